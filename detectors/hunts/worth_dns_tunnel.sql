-- Networks in which a source asked for enough names below one registered domain.
SELECT DISTINCT org, network
FROM (
    SELECT org, network, src, name, @domain
    FROM (SELECT DISTINCT org, network, src_ip AS src, lower(query) AS name FROM dns WHERE @window)
    WHERE n > own
)
GROUP BY org, network, src, domain
HAVING count() >= {least:UInt64}
