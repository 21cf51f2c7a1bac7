-- Microseconds that each pair (host inside, address outside) was connected in each window, summed over its connections,
-- open ones included. Sides are looked at once a pair, not a row.
SELECT at, src, dst, sum(n) AS connections, sum(us) / 1e6 AS total, max(most) AS longest,
    sum(up) AS sent, sum(down) AS received
FROM (
    SELECT src_ip AS src, dst_ip AS dst, @hour AS hour, count() AS n, sum(toInt64(round(seconds * 1e6))) AS us,
        max(seconds) AS most, sum(orig_bytes) AS up, sum(resp_bytes) AS down
    FROM @flows
    WHERE (src_ip, dst_ip) IN (
        SELECT src_ip, dst_ip FROM @flows GROUP BY src_ip, dst_ip
        HAVING sum(toInt64(round(seconds * 1e6))) / 1e6 >= {least:Float64} AND @from(src_ip) AND @to(dst_ip)
    )
    GROUP BY src, dst, hour
) ARRAY JOIN @each AS at
GROUP BY at, src, dst
HAVING total >= {least:Float64}
ORDER BY at, src, dst
