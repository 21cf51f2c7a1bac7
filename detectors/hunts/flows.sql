-- The flows of the span, each once: its final row, or where there is none yet the latest of its progress reports, whose
-- counters only grow. Reports bear the time at which their flow began; by the hour, so that no window sees another's.
-- Columns that a hunt does not ask for are not read.
(
    SELECT event_id, uid, ts, src_ip, src_port, dst_ip, dst_port, proto, app, conn_state,
        ifNull(duration, 0) AS seconds, orig_bytes, resp_bytes, orig_pkts, resp_pkts, orig_ip_bytes, resp_ip_bytes
    FROM flow WHERE @window AND NOT open
    UNION ALL
    SELECT argMax(event_id, (read_at, duration)), uid, min(ts), any(src_ip), any(src_port), any(dst_ip), any(dst_port),
        any(proto), argMax(app, read_at), argMax(conn_state, (read_at, duration)), ifNull(max(duration), 0),
        max(orig_bytes), max(resp_bytes), max(orig_pkts), max(resp_pkts), max(orig_ip_bytes), max(resp_ip_bytes)
    FROM flow WHERE @window AND open AND (uid, @hour) NOT IN (
        SELECT uid, @hour FROM flow WHERE @window AND NOT open AND uid IN (SELECT uid FROM flow WHERE @window AND open)
    )
    GROUP BY uid, @hour
)
