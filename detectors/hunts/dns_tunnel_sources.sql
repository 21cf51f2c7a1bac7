-- Sources that asked for enough names below one registered domain in the whole span.
SELECT src, domain
FROM (
    SELECT src, name, @domain
    FROM (SELECT DISTINCT src_ip AS src, lower(query) AS name FROM dns WHERE @window)
    WHERE n > own
)
GROUP BY src, domain
HAVING count() >= {least:UInt64}
ORDER BY src, domain
