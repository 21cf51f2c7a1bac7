-- The flows of a span without progress reports: each has its final row.
(
    SELECT event_id, uid, ts, src_ip, src_port, dst_ip, dst_port, proto, app, conn_state,
        ifNull(duration, 0) AS seconds, orig_bytes, resp_bytes, orig_pkts, resp_pkts, orig_ip_bytes, resp_ip_bytes
    FROM flow WHERE @window AND NOT open
)
