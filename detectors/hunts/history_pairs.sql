-- When each of these addresses was first spoken with.
SELECT dst_ip AS dst, min(toUnixTimestamp64Micro(ts)) AS first
FROM flow WHERE @window AND dst_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {dst:Array(String)})))
GROUP BY dst
