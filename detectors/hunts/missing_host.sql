-- Connections whose HTTP requests had no Host header, by pair.
SELECT src_ip AS src, dst_ip AS dst, uniqExact(uid) AS missing
FROM http
WHERE @window AND host = '' AND method != 'CONNECT' AND (src_ip, dst_ip) IN (
    SELECT arrayJoin(arrayZip(arrayMap(x -> toIPv6(x), {src:Array(String)}), arrayMap(x -> toIPv6(x), {dst:Array(String)})))
)
GROUP BY src, dst
