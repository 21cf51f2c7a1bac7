-- How many hosts each source tried in vain on one port (0 for echo requests), in each window.
SELECT at, src, proto, port, uniqExact(dst) AS tried, sum(n) AS attempts
FROM (
    SELECT src_ip AS src, proto, dst_port AS port, dst_ip AS dst, @hour AS hour, count() AS n
    FROM @flows
    WHERE (src_ip, proto, dst_port) IN (
        SELECT src_ip, proto, dst_port FROM @flows
        WHERE @probe GROUP BY src_ip, proto, dst_port HAVING uniqExact(dst_ip) >= {least:UInt64}
    ) AND @probe
    GROUP BY src, proto, port, dst, hour
) ARRAY JOIN @each AS at
GROUP BY at, src, proto, port
HAVING tried >= {least:UInt64}
ORDER BY at, src, proto, port
