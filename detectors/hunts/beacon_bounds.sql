-- Connections in scope: how many, from how many hosts, the earliest and the latest in seconds; and flows in all.
SELECT
    (SELECT count() FROM @flows) AS flows,
    count() AS calls,
    uniqExact(src_ip) AS hosts,
    toInt64(min(toUnixTimestamp(ts))) AS first,
    toInt64(max(toUnixTimestamp(ts))) AS newest
FROM (
    SELECT ts, src_ip FROM @flows WHERE @from(src_ip) AND @to(dst_ip)
    UNION ALL
    SELECT ts, src_ip FROM http WHERE @window AND method = 'CONNECT' AND @from(src_ip)
)
