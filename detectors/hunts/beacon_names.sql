-- Connections of each pair (source inside, name asked for), with the times and sizes of their flows.
SELECT n.src AS src, n.name AS dst, count() AS connections,
    if(connections < {strobe:UInt64}, arraySort(groupArray(toUnixTimestamp(f.ts))), []) AS times,
    if(connections < {strobe:UInt64}, groupArray(f.orig_ip_bytes), []) AS sizes,
    arraySort(groupUniqArray(50)(f.dst_ip)) AS addresses
FROM @flows AS f INNER JOIN (SELECT DISTINCT uid, src, name FROM @named_rows) AS n ON f.uid = n.uid
GROUP BY src, dst
HAVING connections >= {least:UInt64} AND (connections >= {strobe:UInt64} OR length(arrayDistinct(times)) >= {least:UInt64})
ORDER BY src, dst
