-- Connections in scope, in each window: how many, from how many hosts, the earliest and the latest in seconds; and flows
-- in all. Sides are looked at once an address.
SELECT at, sum(every) AS flows, sum(called) AS calls, uniqExactIf(src, called > 0) AS hosts,
    minIf(early, called > 0) AS first, maxIf(late, called > 0) AS newest
FROM (
    SELECT src, hour, sum(n) AS every, sumIf(n, call) AS called, minIf(least, call) AS early, maxIf(most, call) AS late
    FROM (
        SELECT src, hour, n, least, most, out AND @from(src) AS call
        FROM (
            SELECT src_ip AS src, @hour AS hour, count() AS n, toInt64(min(toUnixTimestamp(ts))) AS least,
                toInt64(max(toUnixTimestamp(ts))) AS most,
                dst_ip IN (SELECT dst FROM (SELECT DISTINCT dst_ip AS dst FROM @flows) WHERE @to(dst)) AS out
            FROM @flows GROUP BY src, hour, out
        )
    )
    GROUP BY src, hour
    UNION ALL
    SELECT src_ip AS src, @hour AS hour, 0, count(), toInt64(min(toUnixTimestamp(ts))), toInt64(max(toUnixTimestamp(ts)))
    FROM http WHERE @window AND method = 'CONNECT' AND @from(src_ip)
    GROUP BY src, hour
) ARRAY JOIN @each AS at
GROUP BY at
ORDER BY at
