-- Bytes sent by a host inside to an address outside, by the hour in which the connections began.
SELECT src_ip AS src, dst_ip AS dst, @hour AS hour,
    count() AS connections, sum(orig_bytes) AS sent, sum(resp_bytes) AS received
FROM @flows
GROUP BY src, dst, hour
HAVING sent >= {least:UInt64} AND sent >= {ratio:Float64} * received AND @from(src) AND @to(dst)
ORDER BY src, dst, sent DESC, hour
