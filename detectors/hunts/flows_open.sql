-- Whether the span holds progress reports at all. Without them a flow is a row, and queries are half as long.
SELECT count() AS n FROM (SELECT 1 FROM flow WHERE @window AND open LIMIT 1)
