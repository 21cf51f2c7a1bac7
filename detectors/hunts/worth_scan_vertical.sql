-- Networks in which a source tried enough ports of one host in vain. Rows and not flows: reports only make it more.
SELECT DISTINCT org, network FROM (
    SELECT org, network FROM flow WHERE @window AND @probe AND proto != 'icmp'
    GROUP BY org, network, src_ip, proto, dst_ip HAVING uniqExact(dst_port) >= {least:UInt64}
)
