-- When each of these names was first asked for, by hour; all hours from ``later`` on are one.
SELECT name AS dst, least(@hour, {later:Int64}) AS since, min(toUnixTimestamp64Micro(ts)) AS first
FROM @named_rows WHERE name IN {dst:Array(String)}
GROUP BY dst, since
