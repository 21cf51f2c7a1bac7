-- Connections to the addresses that the domain's names were answered with.
SELECT count() AS connections
FROM @flows
WHERE dst_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {dst:Array(String)})))
