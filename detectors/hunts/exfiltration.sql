-- Bytes sent by a host inside to an address outside, by the hour in which the connections began. No more than its IP packets
-- held: bytes by sequence numbers are gigabytes too many where a reset connection's ports are used again.
SELECT src_ip AS src, dst_ip AS dst, @hour AS hour,
    count() AS connections, sum(if(orig_ip_bytes > 0, least(orig_bytes, orig_ip_bytes), orig_bytes)) AS sent,
    sum(resp_bytes) AS received
FROM @flows
GROUP BY src, dst, hour
HAVING sent >= {least:UInt64} AND sent >= {ratio:Float64} * received AND @from(src) AND @to(dst)
ORDER BY src, dst, sent DESC, hour
