-- Names below one registered domain that a source asked for. The registered domain is the last two labels, or three where
-- a country's domain has a general second level (example.com.cn). Reverse and local names are not domains.
SELECT src_ip AS src, domain, uniqExact(query) AS names, count() AS queries,
    countIf(qtype IN {odd:Array(String)}) AS odd,
    groupArraySorted(200)((cityHash64(query), substring(query, 1, length(query) - length(domain) - 1))) AS sample
FROM (
    SELECT src_ip, lower(query) AS query, qtype, splitByChar('.', query) AS labels, length(labels) AS n,
        2 + (length(labels[n]) = 2 AND labels[n - 1] IN {second:Array(String)}) AS own,
        arrayStringConcat(arraySlice(labels, -own), '.') AS domain
    FROM dns
    WHERE @window AND NOT endsWith(query, '.arpa') AND NOT endsWith(query, '.local') AND n > own
)
GROUP BY src, domain
HAVING names >= {least:UInt64}
ORDER BY src, domain
