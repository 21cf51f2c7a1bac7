-- Names below one registered domain that a source asked for, in each window, of sources with enough of them in all.
-- Names are made distinct before they are cut into labels: cutting is what costs.
SELECT at, src, domain, count() AS names, sum(asked) AS queries, sum(odd) AS odd,
    groupArraySorted(200)((cityHash64(name), substring(name, 1, length(name) - length(domain) - 1))) AS sample
FROM (
    SELECT at, src, domain, name, sum(asked) AS asked, sum(odd) AS odd
    FROM (
        SELECT src, name, hour, asked, odd, @domain
        FROM (
            SELECT src_ip AS src, lower(query) AS name, @hour AS hour, count() AS asked,
                countIf(qtype IN {odd:Array(String)}) AS odd
            FROM dns
            WHERE @window AND src_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {src:Array(String)})))
            GROUP BY src, name, hour
        )
        WHERE n > own AND (src, domain) IN (
            SELECT arrayJoin(arrayZip(arrayMap(x -> toIPv6(x), {src:Array(String)}), {domain:Array(String)}))
        )
    ) ARRAY JOIN @each AS at
    GROUP BY at, src, domain, name
)
GROUP BY at, src, domain
HAVING names >= {least:UInt64}
ORDER BY at, src, domain
