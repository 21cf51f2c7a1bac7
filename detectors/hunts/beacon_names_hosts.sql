-- How many hosts asked for each of these names, in each window.
SELECT at, dst, uniqExact(src) AS hosts
FROM (
    SELECT DISTINCT name AS dst, src, @hour AS hour FROM @named_rows WHERE name IN {dst:Array(String)}
) ARRAY JOIN @each AS at
GROUP BY at, dst
