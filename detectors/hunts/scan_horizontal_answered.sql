-- How many hosts answered these sources, by port: an ordinary client is answered by most.
SELECT src_ip AS src, proto, dst_port AS port, uniqExact(dst_ip) AS answered
FROM @flows
WHERE src_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {src:Array(String)}))) AND resp_pkts > 0
    AND dst_port IN {port:Array(UInt16)} AND NOT (@probe)
GROUP BY src, proto, port
