-- How many hosts spoke with each of these addresses, which are outside.
SELECT dst_ip AS dst, uniqExact(src_ip) AS hosts
FROM @flows
WHERE dst_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {dst:Array(String)}))) AND @from(src_ip)
GROUP BY dst
