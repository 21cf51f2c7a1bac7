-- Connections whose HTTP requests had no Host header, by window and pair.
SELECT at, src, dst, uniqExact(uid) AS missing
FROM (
    SELECT DISTINCT src_ip AS src, dst_ip AS dst, @hour AS hour, uid
    FROM http
    WHERE @window AND host = '' AND method != 'CONNECT' AND (src_ip, dst_ip) IN (
        SELECT arrayJoin(arrayZip(arrayMap(x -> toIPv6(x), {src:Array(String)}), arrayMap(x -> toIPv6(x), {dst:Array(String)})))
    )
) ARRAY JOIN @each AS at
GROUP BY at, src, dst
