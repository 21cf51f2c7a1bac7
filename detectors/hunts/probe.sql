-- An attempt that led nowhere: a lone SYN or one refused, a half-open probe of an open port (SYN, then RST), a datagram
-- without a reply (one from a service's port to a high one is an answer seen alone). Of echo requests also single ones
-- that a host inside answers: a sweep asks each once. (Proxies measure their way to hosts outside like that.)
(
    proto = 'tcp' AND orig_bytes = 0 AND resp_bytes = 0
        AND (conn_state IN ('S0', 'REJ', 'RSTOS0', 'SH') OR conn_state = 'RSTO' AND orig_pkts <= 2)
    OR proto = 'udp' AND resp_pkts = 0 AND NOT (src_port < 1024 AND dst_port >= 1024)
    OR proto = 'icmp' AND src_port IN (8, 128) AND (resp_pkts = 0 OR orig_pkts <= 2 AND @local(dst_ip))
) AND NOT @nowhere(dst_ip)
