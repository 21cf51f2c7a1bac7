-- How many hosts each source tried in vain on one port (0 for echo requests).
SELECT src_ip AS src, proto, dst_port AS port, uniqExact(dst_ip) AS tried, count() AS attempts
FROM @flows
WHERE @probe
GROUP BY src, proto, port
HAVING tried >= {least:UInt64}
ORDER BY src, proto, port
