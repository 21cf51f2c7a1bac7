"""The parsers, in the order in which the decoder asks them. To add one, add its class here."""

from __future__ import annotations

from collectors.network.parsers.base import DatagramParser, StreamParser
from collectors.network.parsers.dns import DnsDatagrams, DnsParser
from collectors.network.parsers.http import HttpParser
from collectors.network.parsers.socks import SocksParser
from collectors.network.parsers.starttls import start_tls_parsers
from collectors.network.parsers.tls import TlsParser

STREAM_PARSERS: tuple[type[StreamParser], ...] = (TlsParser, HttpParser, DnsParser, SocksParser)  # and starttls.py
DATAGRAM_PARSERS: tuple[type[DatagramParser], ...] = (DnsDatagrams,)


def stream_parsers() -> tuple[StreamParser, ...]:
    """Fresh parsers for one decoder."""
    return (*(p() for p in STREAM_PARSERS), *start_tls_parsers())


def datagram_parsers() -> tuple[DatagramParser, ...]:
    """Fresh parsers, with empty tables, for one decoder."""
    return tuple(p() for p in DATAGRAM_PARSERS)
