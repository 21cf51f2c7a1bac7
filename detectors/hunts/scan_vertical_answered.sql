-- How many ports answered these sources, by window and host: an ordinary client is answered on most.
SELECT at, src, proto, dst, uniqExact(port) AS answered
FROM (
    SELECT DISTINCT src_ip AS src, proto, dst_ip AS dst, dst_port AS port, @hour AS hour
    FROM @flows
    WHERE (src_ip, dst_ip) IN (
        SELECT arrayJoin(arrayZip(arrayMap(x -> toIPv6(x), {src:Array(String)}), arrayMap(x -> toIPv6(x), {dst:Array(String)})))
    ) AND resp_pkts > 0 AND NOT (@probe)
) ARRAY JOIN @each AS at
GROUP BY at, src, proto, dst
