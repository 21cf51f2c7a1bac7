-- How many ports each source tried in vain on one host.
SELECT src_ip AS src, proto, dst_ip AS dst, uniqExact(dst_port) AS tried, count() AS attempts
FROM @flows
WHERE @probe AND proto != 'icmp'
GROUP BY src, proto, dst
HAVING tried >= {least:UInt64}
ORDER BY src, proto, dst
