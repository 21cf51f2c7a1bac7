-- What lies behind: queries by hour, and what was answered.
SELECT src_ip AS src, {domain:String} AS domain,
    toInt64(toUnixTimestamp(toStartOfHour(ts))) * 1000000 AS hour,
    count() AS events,
    min(toUnixTimestamp64Micro(ts)) AS first,
    max(toUnixTimestamp64Micro(ts)) AS last,
    arraySort(groupUniqArray(50)(dst_port)) AS ports,
    groupArraySorted(20)((toUnixTimestamp64Micro(ts), event_id, 'dns')) AS evidence,
    arraySlice(arraySort(groupUniqArrayArray(answers)), 1, 1000) AS resolved,
    sum(arraySum(arrayMap(x -> length(x), answers))) AS answered
FROM dns
WHERE @window AND src_ip = toIPv6({src:String}) AND endsWith(lower(query), concat('.', {domain:String}))
GROUP BY src, hour
ORDER BY hour
