-- How many hosts inside called outside, in each window. Sides are looked at once an address.
SELECT at, uniqExact(src) AS hosts
FROM (
    SELECT src, hour FROM (
        SELECT DISTINCT src_ip AS src, @hour AS hour FROM @flows
        WHERE dst_ip IN (SELECT dst FROM (SELECT DISTINCT dst_ip AS dst FROM @flows) WHERE @to(dst))
    ) WHERE @from(src)
) ARRAY JOIN @each AS at
GROUP BY at
