-- Networks in which a source tried a service often enough. Rows and not flows: reports only make it more.
SELECT DISTINCT org, network FROM (
    SELECT org, network FROM (
        SELECT org, network, src_ip, dst_port, orig_bytes, resp_bytes, ifNull(duration, 0) AS seconds FROM flow
        WHERE @window AND proto = 'tcp' AND dst_port IN {ports:Array(UInt16)} AND resp_bytes > 0
    )
    WHERE @short GROUP BY org, network, src_ip, dst_port HAVING count() >= {least:UInt64}
)
