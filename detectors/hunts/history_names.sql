-- When each of these names was first asked for.
SELECT name AS dst, min(toUnixTimestamp64Micro(ts)) AS first
FROM @named_rows WHERE name IN {dst:Array(String)}
GROUP BY dst
