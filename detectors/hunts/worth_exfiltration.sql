-- Networks with a pair that sent enough in all, which is no less than in an hour. Rows and not flows: reports only make
-- it more. What came back is not looked at: it may have come in another hour.
SELECT DISTINCT org, network FROM (
    SELECT org, network FROM flow WHERE @window
    GROUP BY org, network, src_ip, dst_ip HAVING sum(orig_bytes) >= {least:UInt64} AND @from(src_ip) AND @to(dst_ip)
)
