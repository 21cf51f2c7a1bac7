-- Connections of each pair (source inside, address outside). Lists of strobes are not made: their number is enough.
SELECT src_ip AS src, dst_ip AS dst, count() AS connections,
    if(connections < {strobe:UInt64}, arraySort(groupArray(toUnixTimestamp(ts))), []) AS times,
    if(connections < {strobe:UInt64}, groupArray(orig_ip_bytes), []) AS sizes
FROM @flows
WHERE @from(src_ip) AND @to(dst_ip)
GROUP BY src, dst
HAVING connections >= {least:UInt64} AND (connections >= {strobe:UInt64} OR length(arrayDistinct(times)) >= {least:UInt64})
ORDER BY src, dst
