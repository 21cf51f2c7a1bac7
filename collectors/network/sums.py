"""Checksums of TCP, UDP and ICMP (RFC 1071), compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from collectors.network.compiled import compiled


@compiled()
def ones(b: Any, at: Any, end: Any) -> Any:
    """Sum of big-endian 16-bit words of ``b[at:end]``, not yet folded; an odd byte counts as the high half."""
    total = np.int64(0)
    i = at
    while i + 1 < end:
        total += (np.int64(b[i]) << 8) | np.int64(b[i + 1])
        i += 2
    if i < end:
        total += np.int64(b[i]) << 8
    return total


@compiled()
def folded(total: Any) -> Any:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@compiled()
def words(x: Any) -> Any:
    """Sum of the four 16-bit words of a 64-bit one."""
    y = np.int64(x & np.uint64(0xFFFFFFFF))
    z = np.int64(x >> np.uint64(32))
    return (y & 0xFFFF) + (y >> 16) + (z & 0xFFFF) + (z >> 16)


@compiled()
def transport_sum_is_bad(b: Any, at: Any, end: Any, proto: Any, row: Any, version: Any) -> Any:
    """Whether the checksum of the transport in ``b[at:end]`` is wrong; UDP over IPv4 may go without one."""
    if proto == 17 and version == 4 and b[at + 6] == 0 and b[at + 7] == 0:
        return 0
    if proto not in (1, 6, 17, 58):
        return 0
    total = ones(b, at, end)
    if proto != 1:
        total += proto + (end - at)
        if version == 4:  # the mapped prefix is not in the pseudo header
            for x in (row.src_lo, row.dst_lo):
                y = np.int64(x & np.uint64(0xFFFFFFFF))
                total += (y & 0xFFFF) + (y >> 16)
        else:
            total += words(row.src_hi) + words(row.src_lo) + words(row.dst_hi) + words(row.dst_lo)
    return 1 if folded(total) != 0xFFFF else 0
