-- An attempt that nobody answered: a lone SYN or one refused, a half-open probe of an open port (SYN, then RST), a
-- datagram or an echo request without a reply. A datagram from a service's port to a high one is an answer seen alone.
(
    proto = 'tcp' AND orig_bytes = 0 AND resp_bytes = 0
        AND (conn_state IN ('S0', 'REJ', 'RSTOS0', 'SH') OR conn_state = 'RSTO' AND orig_pkts <= 2)
    OR proto = 'udp' AND resp_pkts = 0 AND NOT (src_port < 1024 AND dst_port >= 1024)
    OR proto = 'icmp' AND resp_pkts = 0 AND src_port IN (8, 128)
) AND NOT @nowhere(dst_ip)
