-- How many hosts asked for each of these names.
SELECT name AS dst, uniqExact(src) AS hosts FROM @named_rows WHERE name IN {dst:Array(String)} GROUP BY dst
