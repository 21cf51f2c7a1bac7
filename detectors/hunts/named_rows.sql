-- Who asked for which name: TLS server names, HTTP hosts, and what a proxy was asked to connect to. A Host that is an
-- address is no name: its pair of addresses is looked at anyway.
(
    SELECT 'tls' AS kind, event_id, uid, ts, src_ip AS src, dst_port, lower(sni) AS name
    FROM tls WHERE @window AND sni != '' AND @from(src_ip) AND @to(dst_ip)
    UNION ALL
    SELECT 'http', event_id, uid, ts, src_ip, dst_port, lower(host)
    FROM http WHERE @window AND host != '' AND method != 'CONNECT' AND @from(src_ip) AND @to(dst_ip)
        AND NOT isIPv4String(host) AND NOT isIPv6String(host)
    UNION ALL
    SELECT 'http', event_id, uid, ts, src_ip, dst_port,
        lower(if(host != '', host, replaceRegexpOne(uri, ':[0-9]+$', '')))
    FROM http WHERE @window AND method = 'CONNECT' AND @from(src_ip)
)
