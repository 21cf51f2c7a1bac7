-- Names below one registered domain that a source asked for. The registered domain is the last two labels, or three where
-- a country's domain has a general second level (example.com.cn). Reverse and local names are not domains. Names are made
-- distinct before they are cut into labels: cutting is what costs.
SELECT src, domain, count() AS names, sum(asked) AS queries, sum(odd) AS odd,
    groupArraySorted(200)((cityHash64(name), substring(name, 1, length(name) - length(domain) - 1))) AS sample
FROM (
    SELECT src, name, asked, odd, splitByChar('.', name) AS labels, length(labels) AS n,
        2 + (length(labels[n]) = 2 AND labels[n - 1] IN {second:Array(String)}) AS own,
        arrayStringConcat(arraySlice(labels, -own), '.') AS domain
    FROM (
        SELECT src_ip AS src, lower(query) AS name, count() AS asked, countIf(qtype IN {odd:Array(String)}) AS odd
        FROM dns
        WHERE @window
        GROUP BY src, name
    )
    WHERE NOT endsWith(name, '.arpa') AND NOT endsWith(name, '.local') AND n > own
)
GROUP BY src, domain
HAVING names >= {least:UInt64}
ORDER BY src, domain
