-- Seconds that each pair (host inside, address outside) was connected, summed over its connections, open ones included.
SELECT src_ip AS src, dst_ip AS dst, count() AS connections, sum(seconds) AS total, max(seconds) AS longest,
    sum(orig_bytes) AS sent, sum(resp_bytes) AS received
FROM @flows
WHERE @from(src_ip) AND @to(dst_ip)
GROUP BY src, dst
HAVING total >= {least:Float64}
ORDER BY src, dst
