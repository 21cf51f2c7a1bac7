-- What lies behind what was concluded, by hour: only for a few keys, so the long ids are read for them alone.
SELECT @keys, @hour AS hour,
    count() AS events,
    min(toUnixTimestamp64Micro(ts)) AS first,
    max(toUnixTimestamp64Micro(ts)) AS last,
    arraySort(groupUniqArray(50)(dst_port)) AS ports,
    groupArraySorted(20)((toUnixTimestamp64Micro(ts), event_id, 'flow')) AS evidence
FROM @flows
WHERE (@keys) IN (SELECT arrayJoin(@wanted)) AND (@extra)
GROUP BY @keys, hour
ORDER BY @keys, hour
