-- The network's earliest flow that is remembered; read in the table's own order, so only its first rows are touched.
SELECT toUnixTimestamp64Micro(ts) AS first FROM flow WHERE @window ORDER BY org, network, ts LIMIT 1
