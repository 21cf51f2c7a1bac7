-- How many hosts inside called outside.
SELECT uniqExact(src_ip) AS hosts FROM @flows WHERE @from(src_ip) AND @to(dst_ip)
