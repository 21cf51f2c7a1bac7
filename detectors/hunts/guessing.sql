-- Short exchanges of much the same size with services that ask for a password. One row a source, service, target and
-- hour, of sources with enough of them in all.
SELECT src_ip AS src, dst_port AS port, dst_ip AS dst, @hour AS hour, groupArray(orig_bytes + resp_bytes) AS sizes
FROM @flows
WHERE proto = 'tcp' AND dst_port IN {ports:Array(UInt16)} AND resp_bytes > 0 AND @short
GROUP BY src, port, dst, hour
HAVING (src, port) IN (
    SELECT src_ip, dst_port FROM @flows
    WHERE proto = 'tcp' AND dst_port IN {ports:Array(UInt16)} AND resp_bytes > 0 AND @short
    GROUP BY src_ip, dst_port HAVING count() >= {least:UInt64}
)
ORDER BY src, port, dst, hour
