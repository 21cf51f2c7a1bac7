-- How many hosts inside called outside, in each window.
SELECT at, uniqExact(src) AS hosts
FROM (
    SELECT src, hour FROM (SELECT DISTINCT src_ip AS src, dst_ip AS dst, @hour AS hour FROM @flows)
    WHERE @from(src) AND @to(dst)
) ARRAY JOIN @each AS at
GROUP BY at
