-- What lies behind: queries by hour, and what was answered.
SELECT src, domain, hour, count() AS events, min(t) AS first, max(t) AS last,
    arraySort(groupUniqArray(50)(dst_port)) AS ports,
    groupArraySorted(20)((t, event_id, 'dns')) AS evidence,
    arraySlice(arraySort(groupUniqArrayArray(answers)), 1, 1000) AS resolved,
    sum(arraySum(arrayMap(x -> length(x), answers))) AS answered
FROM (
    SELECT src_ip AS src, @hour AS hour, toUnixTimestamp64Micro(ts) AS t, dst_port, event_id, answers,
        arrayFilter(d -> endsWith(lower(query), concat('.', d)), {domain:Array(String)}) AS domains
    FROM dns
    WHERE @window AND src_ip IN (SELECT arrayJoin(arrayMap(x -> toIPv6(x), {src:Array(String)})))
) ARRAY JOIN domains AS domain
WHERE (src, domain) IN (
    SELECT arrayJoin(arrayZip(arrayMap(x -> toIPv6(x), {src:Array(String)}), {domain:Array(String)}))
)
GROUP BY src, domain, hour
ORDER BY src, domain, hour
