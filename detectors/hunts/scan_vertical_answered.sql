-- How many ports answered these sources, by host: an ordinary client is answered on most.
SELECT src_ip AS src, proto, dst_ip AS dst, uniqExact(dst_port) AS answered
FROM @flows
WHERE (src_ip, dst_ip) IN (
    SELECT arrayJoin(arrayZip(arrayMap(x -> toIPv6(x), {src:Array(String)}), arrayMap(x -> toIPv6(x), {dst:Array(String)})))
) AND resp_pkts > 0 AND NOT (@probe)
GROUP BY src, proto, dst
