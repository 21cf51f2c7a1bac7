-- Connections of each pair (source inside, address outside) with enough of them in all: seconds and bytes of each.
SELECT src_ip AS src, dst_ip AS dst, groupArray(toUnixTimestamp(ts)) AS times, groupArray(orig_ip_bytes) AS sizes
FROM @flows
WHERE (src_ip, dst_ip) IN (
    SELECT src_ip, dst_ip FROM @flows GROUP BY src_ip, dst_ip
    HAVING count() >= {least:UInt64} AND @from(src_ip) AND @to(dst_ip)
)
GROUP BY src, dst
ORDER BY src, dst
