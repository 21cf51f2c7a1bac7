"""The fixed layouts that the compiled parts share: one packet, one flow, one side of a flow, one event for a parser.

Numbers are wide on purpose: mixing unsigned 64-bit with signed integers turns into floating point in compiled code, so
only addresses are unsigned. A sequence number is 0 to 2**32 - 1 in an int64.
"""

from __future__ import annotations

import numpy as np

# What a row of ROW is.
TCP, UDP, ICMP, ICMP6, OTHER, FRAGMENT = 1, 2, 3, 4, 5, 6

# TCP flags, as in the header.
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10

# Encapsulations, as written in flow.tunnel; the index is what ROW.tunnel holds.
TUNNELS = ("", "ip", "gre", "vxlan", "geneve", "gtpv1", "teredo", "ayiya", "erspan", "pppoe", "l2tp")
T_IP, T_GRE, T_VXLAN, T_GENEVE, T_GTP, T_TEREDO, T_AYIYA, T_ERSPAN = 1, 2, 3, 4, 5, 6, 7, 8

PACKET_WORDS = 5  # columns of the record walk: offset, captured, on the wire, microseconds, link type

ROW = np.dtype(
    [
        ("ts", "<i8"),  # microseconds
        ("start", "<i8"),  # first payload byte in the buffer; of a fragment its IP header
        ("size", "<i4"),  # payload bytes by the headers
        ("captured", "<i4"),  # payload bytes in the buffer
        ("ip_size", "<i4"),  # by the length field of the IP header
        ("packet", "<i4"),  # index of the packet among those walked together
        ("seq", "<i8"),
        ("ack", "<i8"),
        ("src_hi", "<u8"),  # addresses as two big-endian words, IPv4 mapped
        ("src_lo", "<u8"),
        ("dst_hi", "<u8"),
        ("dst_lo", "<u8"),
        ("src_port", "<i4"),
        ("dst_port", "<i4"),
        ("window", "<i4"),
        ("vlan", "<i4"),
        ("kind", "u1"),
        ("proto", "u1"),
        ("flags", "u1"),
        ("tunnel", "u1"),
        ("one_way", "u1"),  # ICMP without a counterpart: never paired
        ("bad_sum", "u1"),  # checksum of the transport is wrong, where it is checked
        ("pad", "u1", 2),
    ],
    align=True,
)

FLOW = np.dtype(
    [
        ("src_hi", "<u8"),  # the originator
        ("src_lo", "<u8"),
        ("dst_hi", "<u8"),
        ("dst_lo", "<u8"),
        ("hash", "<u8"),
        ("start", "<i8"),
        ("last", "<i8"),
        ("remove_at", "<i8"),  # a time-out that later packets do not move; 0 if none
        ("partial_at", "<i8"),
        ("reported", "<i8"),  # when it was last reported as open
        ("serial", "<i8"),  # what parsers call it; -1 if none of them saw it
        ("missed", "<i8"),
        ("src_port", "<i4"),
        ("dst_port", "<i4"),
        ("vlan", "<i4"),
        ("key_vlan", "<i4"),
        ("ordinal", "<i4"),
        ("reports", "<i4"),  # rows reported while open
        ("history", "<i4"),  # letters in its row of the history table
        ("proto", "u1"),
        ("kind", "u1"),
        ("used", "u1"),
        ("open", "u1"),  # set in a report of an open flow
        ("tunnel", "u1"),
        ("one_way", "u1"),
        ("flipped", "u1"),  # the first packet came from what is now the responder
        ("partial", "u1"),
        ("active", "u1"),
        ("established", "u1"),  # past the handshake: the longer time-out holds
        ("seen", "u1"),  # bit 1: originator sent a packet, bit 2: responder
        ("closing", "u1"),  # a close waits for data still missing
        ("unwanted", "u1"),  # no parser wants (more of) its payload
        ("pad", "u1", 3),
    ],
    align=True,
)

END = np.dtype(
    [
        ("start_seq", "<i8"),
        ("last_seq", "<i8"),
        ("last_wraps", "<i8"),
        ("ack_seq", "<i8"),
        ("ack_wraps", "<i8"),
        ("fin_seq", "<i8"),  # relative
        ("last_syn", "<i8"),  # relative sequence numbers of the last of each, for the history
        ("last_fin", "<i8"),
        ("last_rst", "<i8"),
        ("next", "<i8"),  # relative: everything below was seen or given up
        ("trim", "<i8"),  # relative: everything below was acknowledged
        ("packets", "<i8"),
        ("ip_bytes", "<i8"),
        ("bytes", "<i8"),  # payload of UDP and ICMP
        ("fin_count", "<i4"),
        ("repeats", "<i4"),  # counters behind the letters T, W, G and C, and the counts of their next letters
        ("repeats_next", "<i4"),
        ("zero_windows", "<i4"),
        ("zero_windows_next", "<i4"),
        ("gaps", "<i4"),
        ("gaps_next", "<i4"),
        ("bad_sums", "<i4"),
        ("bad_sums_next", "<i4"),
        ("spans", "<i4"),  # blocks seen beyond a hole, in the table of spans
        ("state", "u1"),
        ("before", "u1"),  # the state before
        ("closed", "u1"),
        ("seen", "u1"),  # letters written once: bits of SEEN_*
        ("skip", "u1"),  # too much without acknowledgement: no more gaps are told
        ("ended", "u1"),
        ("active", "u1"),  # a datagram was seen
        ("pad", "u1"),
    ],
    align=True,
)

# What a parser is told, in packet order.
DATA, GAP, CLOSE, DATAGRAM = 1, 2, 3, 4

EVENT = np.dtype(
    [
        ("serial", "<i8"),
        ("ts", "<i8"),
        ("start", "<i8"),  # DATA, DATAGRAM: first byte in the buffer
        ("seq", "<i8"),  # DATA: relative sequence number; GAP: relative end of what is missing
        ("size", "<i4"),
        ("kind", "u1"),
        ("orig", "u1"),
        ("in_order", "u1"),  # DATA: continues what came before it on its side
        ("pad", "u1"),
    ],
    align=True,
)

# Who a serial is, kept after the flow itself is gone, because a parser may still name it.
IDENT = np.dtype(
    [
        ("serial", "<i8"),
        ("src_hi", "<u8"),
        ("src_lo", "<u8"),
        ("dst_hi", "<u8"),
        ("dst_lo", "<u8"),
        ("start", "<i8"),
        ("src_port", "<i4"),
        ("dst_port", "<i4"),
        ("vlan", "<i4"),
        ("ordinal", "<i4"),
        ("slot", "<i4"),  # of the flow while it lives
        ("labels", "<u4"),  # bit i: parser i recognised it
        ("proto", "u1"),
        ("kind", "u1"),
        ("live", "u1"),
        ("one_way", "u1"),
        ("flipped", "u1"),
        ("pad", "u1", 3),
    ],
    align=True,
)

# Counters that the compiled parts keep between calls.
(NOW, FREE, HIGH, HAND, EVICTED, LAST_EVICTED, DONE, EVENTS, SERIAL, LIVE, PACKETS, ROWS, SHORT, UNKNOWN, BAD_SUMS,
 REUSED) = range(16)  # fmt: skip
COUNTERS = 16

# Settings that the compiled parts read: time-outs in microseconds first.
(TCP_IDLE, UDP_IDLE, ICMP_IDLE, OTHER_IDLE, ATTEMPT, CLOSE_DELAY, RESET_DELAY, SYN_TIMER, SESSION_TIMER, LINGER,
 PARTIAL_CLOSE, REPORT_EVERY, VLAN_IN_KEY, PROBE_LIMIT, CHECK_SUMS, SEED) = range(16)  # fmt: skip
OPTIONS = 16

HISTORY = 64  # letters kept for a flow
SPANS = 4  # blocks beyond a hole kept for a side
