-- What lies behind pairs of a source and a name, by hour; a connection counts once.
SELECT src, name AS dst, @hour AS hour,
    uniqExact(uid) AS events,
    min(toUnixTimestamp64Micro(ts)) AS first,
    max(toUnixTimestamp64Micro(ts)) AS last,
    arraySort(groupUniqArray(50)(dst_port)) AS ports,
    groupArraySorted(20)((toUnixTimestamp64Micro(ts), event_id, kind)) AS evidence
FROM @named_rows
WHERE (src, name) IN (SELECT arrayJoin(arrayZip(arrayMap(x -> toIPv6(x), {src:Array(String)}), {dst:Array(String)})))
GROUP BY src, dst, hour
ORDER BY src, dst, hour
