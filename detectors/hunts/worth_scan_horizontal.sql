-- Networks in which a source tried enough hosts on one port in vain. Rows and not flows: reports only make it more.
SELECT DISTINCT org, network FROM (
    SELECT org, network FROM flow WHERE @window AND @probe
    GROUP BY org, network, src_ip, proto, dst_port HAVING uniqExact(dst_ip) >= {least:UInt64}
)
