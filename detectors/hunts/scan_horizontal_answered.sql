-- How many hosts answered these sources, by window and port: an ordinary client is answered by most.
SELECT at, src, proto, port, uniqExact(dst) AS answered
FROM (
    SELECT DISTINCT src_ip AS src, proto, dst_port AS port, dst_ip AS dst, @hour AS hour
    FROM @flows
    WHERE src_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {src:Array(String)}))) AND resp_pkts > 0
        AND dst_port IN {port:Array(UInt16)} AND NOT (@probe)
) ARRAY JOIN @each AS at
GROUP BY at, src, proto, port
