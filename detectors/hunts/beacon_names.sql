-- Connections of each pair (source inside, name asked for) with enough of them in all: seconds, bytes and address of each
-- flow, and the seconds in which the name was first and last asked for on it.
SELECT n.src AS src, n.name AS dst, groupArray(toUnixTimestamp(f.ts)) AS times, groupArray(f.orig_ip_bytes) AS sizes,
    groupArray(f.dst_ip) AS peers, groupArray(n.first) AS first, groupArray(n.last) AS last
FROM @flows AS f INNER JOIN (
    SELECT uid, src, name, toUnixTimestamp(min(ts)) AS first, toUnixTimestamp(max(ts)) AS last
    FROM @named_rows GROUP BY uid, src, name
) AS n ON f.uid = n.uid
GROUP BY src, dst
HAVING count() >= {least:UInt64}
ORDER BY src, dst
