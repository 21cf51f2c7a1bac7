-- When each of these addresses was first spoken with, by hour; all hours from ``later`` on are one.
SELECT dst_ip AS dst, least(@hour, {later:Int64}) AS since, min(toUnixTimestamp64Micro(ts)) AS first
FROM flow WHERE @window AND dst_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {dst:Array(String)})))
GROUP BY dst, since
