-- The days on which the network was watched, with the first flow of each: one old capture is no memory of the rest.
SELECT toDate(ts) AS day, toUnixTimestamp64Micro(min(ts)) AS first FROM flow WHERE @window GROUP BY day ORDER BY day
