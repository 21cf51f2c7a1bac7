-- Bytes sent by a host inside to an address outside, by the hour in which the connections began.
SELECT src_ip AS src, dst_ip AS dst, toInt64(toUnixTimestamp(toStartOfHour(ts))) * 1000000 AS hour,
    count() AS connections, sum(orig_bytes) AS sent, sum(resp_bytes) AS received
FROM @flows
WHERE @from(src_ip) AND @to(dst_ip)
GROUP BY src, dst, hour
HAVING sent >= {least:UInt64} AND sent >= {ratio:Float64} * received
ORDER BY src, dst, sent DESC, hour
