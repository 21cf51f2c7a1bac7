-- Connections to the addresses that names were answered with, by address and hour.
SELECT dst_ip AS dst, @hour AS hour, count() AS connections
FROM @flows
WHERE dst_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {dst:Array(String)})))
GROUP BY dst, hour
