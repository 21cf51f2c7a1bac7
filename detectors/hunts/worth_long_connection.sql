-- Networks with a pair that was connected for long enough. Rows and not flows: reports only make it more.
SELECT DISTINCT org, network FROM (
    SELECT org, network FROM flow WHERE @window AND duration > 0
    GROUP BY org, network, src_ip, dst_ip
    HAVING sum(toInt64(round(ifNull(duration, 0) * 1e6))) / 1e6 >= {least:Float64} AND @from(src_ip) AND @to(dst_ip)
)
