-- How many hosts spoke with each of these addresses, which are outside, in each window.
SELECT at, dst, uniqExact(src) AS hosts
FROM (
    SELECT DISTINCT dst_ip AS dst, src_ip AS src, @hour AS hour FROM @flows
    WHERE dst_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {dst:Array(String)})))
) ARRAY JOIN @each AS at
WHERE @from(src)
GROUP BY at, dst
