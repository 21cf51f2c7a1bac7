-- How many ports each source tried in vain on one host, in each window.
SELECT at, src, proto, dst, uniqExact(port) AS tried, sum(n) AS attempts
FROM (
    SELECT src_ip AS src, proto, dst_ip AS dst, dst_port AS port, @hour AS hour, count() AS n
    FROM @flows
    WHERE (src_ip, proto, dst_ip) IN (
        SELECT src_ip, proto, dst_ip FROM @flows
        WHERE @probe AND proto != 'icmp' GROUP BY src_ip, proto, dst_ip HAVING uniqExact(dst_port) >= {least:UInt64}
    ) AND @probe
    GROUP BY src, proto, dst, port, hour
) ARRAY JOIN @each AS at
GROUP BY at, src, proto, dst
HAVING tried >= {least:UInt64}
ORDER BY at, src, proto, dst
