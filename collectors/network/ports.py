"""Likely server ports: what tells the server apart when the start of a connection was not seen.

The ports that Zeek's base scripts register for the protocols they know (likely_server_ports).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TCP_PORTS = frozenset((
    21, 22, 25, 53, 79, 80, 81, 88, 110, 135, 139, 143, 389, 443, 445, 502, 514, 563, 585, 587, 601, 614, 631, 636, 989,
    990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5060, 5061, 5222, 5223, 5269, 5432, 6379, 6666,
    6667, 6668, 6669, 8000, 8080, 8888, 20000,
))  # fmt: skip
UDP_PORTS = frozenset((
    53, 67, 68, 88, 123, 137, 161, 162, 389, 443, 514, 853, 1812, 2123, 2152, 3268, 3389, 3544, 4011, 4789, 5060, 5072,
    5353, 5355, 6081, 20000,
))  # fmt: skip


def servers() -> NDArray[np.uint8]:
    """(2, 65536) uint8: 1 at likely server ports of TCP (row 0) and UDP (row 1)."""
    table = np.zeros((2, 65536), np.uint8)
    table[0, list(TCP_PORTS)] = 1
    table[1, list(UDP_PORTS)] = 1
    return table
