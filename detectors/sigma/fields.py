"""How Sigma's log sources and field names meet our kinds and columns.

A log source names groups of kinds: the first group with a kind that has every field of the rule is used, with all such
kinds of that group. Names of a kind are shared by all the vocabularies that speak of it (Sigma's own, Sysmon's, W3C's,
Zeek's); an unknown name is an error, never a condition that is silently false.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from fengsui.schema import EVENTS, Type


class Form(Enum):
    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    BOOL = "bool"
    IP = "ip"


@dataclass(frozen=True)
class Field:
    """What a Sigma field is here: an SQL expression over the kind's table. ``optional`` ones may be NULL."""

    sql: str
    form: Form
    optional: bool = False
    fixed: bool = False
    """The same for every row of the kind, so not worth showing as evidence."""


_FORMS = {
    Type.WORD: Form.TEXT, Type.TEXT: Form.TEXT, Type.TEXTS: Form.TEXTS, Type.IP: Form.IP, Type.BOOL: Form.BOOL,
    Type.U8: Form.NUMBER, Type.U16: Form.NUMBER, Type.U32: Form.NUMBER, Type.U64: Form.NUMBER, Type.F64: Form.NUMBER,
}  # fmt: skip


def _text(sql: str) -> Field:
    return Field(sql, Form.TEXT)


def _always(value: str, form: Form) -> Field:
    return Field(value, form, fixed=True)


_TRUE = _always("true", Form.BOOL)

# Columns that every network kind has.
_NETWORK = {
    "src_ip": "src_ip", "SourceIp": "src_ip", "id.orig_h": "src_ip", "c-ip": "src_ip", "client_ip": "src_ip",
    "dst_ip": "dst_ip", "DestinationIp": "dst_ip", "id.resp_h": "dst_ip", "s-ip": "dst_ip",
    "src_port": "src_port", "SourcePort": "src_port", "id.orig_p": "src_port",
    "dst_port": "dst_port", "DestinationPort": "dst_port", "id.resp_p": "dst_port",
    "proto": "proto", "Protocol": "proto", "protocol": "proto", "community_id": "community_id", "vlan": "vlan",
}  # fmt: skip

_IS_V6 = "NOT (src_ip BETWEEN toIPv6('::ffff:0.0.0.0') AND toIPv6('::ffff:255.255.255.255'))"
_REFUSED = "conn_state IN ('S0', 'REJ', 'RSTOS0', 'RSTRH')"
# A request target is a path, or a whole URL where a proxy was asked.
_URL = "if(position(uri, '://') BETWEEN 2 AND 10, uri, concat('http://', host, uri))"

# name -> column, or an expression.
_COLUMNS: dict[str, dict[str, str | Field]] = {
    "flow": {
        **_NETWORK,
        "duration": "duration", "service": "app", "conn_state": "conn_state", "history": "history",
        "orig_bytes": "orig_bytes", "resp_bytes": "resp_bytes", "orig_pkts": "orig_pkts", "resp_pkts": "resp_pkts",
        "orig_ip_bytes": "orig_ip_bytes", "resp_ip_bytes": "resp_ip_bytes", "missed_bytes": "missed_bytes",
        "Initiated": _TRUE,  # our source is the originator
        "SourceIsIpv6": Field(_IS_V6, Form.BOOL),
        # What a passive sensor can say of a firewall's decision: was the connection answered?
        "blocked": Field(_REFUSED, Form.BOOL),
        "action": _text(f"if({_REFUSED}, 'deny', 'accept')"),
    },
    "dns": {
        **_NETWORK,
        "query": "query", "QueryName": "query", "qtype_name": "qtype", "record_type": "qtype", "QueryType": "qtype",
        "answer": "answers", "answers": "answers", "QueryResults": "answers", "rcode_name": "rcode", "rcode": "rcode",
        "trans_id": "trans_id", "AA": "aa", "TC": "tc", "RD": "rd", "RA": "ra", "rtt": "rtt",
        "qclass": "qclass",
        "rejected": Field("rcode = 'REFUSED'", Form.BOOL),
        "EventID": _always("3008", Form.NUMBER),  # Windows: a DNS query has completed
    },
    "http": {
        **_NETWORK,
        "cs-method": "method", "method": "method", "cs-host": "host", "r-dns": "host", "host": "host",
        "DestinationHostname": "host",
        "c-uri": _text(_URL), "cs-uri": _text(_URL), "url": _text(_URL), "uri": "uri",
        # Public rules say query and mean any part of the request line.
        "cs-uri-query": "uri", "c-uri-query": _text("queryString(uri)"),
        "cs-uri-stem": _text("cutQueryStringAndFragment(uri)"), "c-uri-stem": _text("cutQueryStringAndFragment(uri)"),
        "c-uri-extension": _text("extract(cutQueryStringAndFragment(uri), '\\\\.([A-Za-z0-9]{1,10})$')"),
        "c-useragent": "user_agent", "cs-user-agent": "user_agent", "user_agent": "user_agent",
        "cs-referer": "referrer", "cs-referrer": "referrer", "c-referer": "referrer", "referrer": "referrer",
        "sc-status": "status", "status_code": "status", "status_msg": "reason", "cs-username": "username",
        "username": "username", "version": "version", "cs-version": "version", "trans_depth": "trans_depth",
        "request_body_len": "req_body_len", "response_body_len": "resp_body_len", "cs-bytes": "req_body_len",
        "sc-bytes": "resp_body_len", "orig_mime_types": "req_mime", "resp_mime_types": "resp_mime",
        "rs-content-type": "resp_mime",
        "Initiated": _TRUE,
    },
    "tls": {
        **_NETWORK,
        "version": "version", "cipher": "cipher", "curve": "curve", "server_name": "sni", "sni": "sni",
        "DestinationHostname": "sni", "next_protocol": "alpn", "resumed": "resumed", "established": "established",
        "ja3": "ja3", "ja3s": "ja3s", "ja4": "ja4", "subject": "subject", "issuer": "issuer",
        "certificate.subject": "subject", "certificate.issuer": "issuer", "san.dns": "san",
        "fingerprint": "cert_sha256",
        "Initiated": _TRUE,
    },
    "file": {
        **_NETWORK,
        "sha256": "sha256", "md5": "md5", "mime_type": "mime", "filename": "filename", "source": "protocol",
        "total_bytes": "size", "seen_bytes": "seen_bytes",
        "is_orig": Field("direction = 'orig'", Form.BOOL),
    },
}  # fmt: skip

# Where a value without a field name is looked for.
_KEYWORDS: dict[str, tuple[str, ...]] = {
    "flow": ("app", "conn_state"),
    "dns": ("query", "answers"),
    "http": ("uri", "user_agent", "referrer", "host", "method", "username"),
    "tls": ("sni", "subject", "issuer"),
    "file": ("filename", "mime"),
}

# (category, product, service): None matches anything, "" only an absent value.
LOGSOURCES: tuple[tuple[tuple[str | None, str | None, str | None], tuple[tuple[str, ...], ...]], ...] = (
    (("dns", None, ""), (("dns",),)),
    (("dns_query", None, ""), (("dns",),)),
    (("network_connection", None, ""), (("flow",), ("tls", "http"))),
    (("firewall", None, None), (("flow",),)),
    (("proxy", None, None), (("http",),)),
    (("webserver", None, None), (("http",),)),
    (("", "zeek", "conn"), (("flow",),)),
    (("", "zeek", "dns"), (("dns",),)),
    (("", "zeek", "http"), (("http",),)),
    (("", "zeek", "ssl"), (("tls",),)),
    (("", "zeek", "x509"), (("tls",),)),
    (("", "zeek", "files"), (("file",),)),
    (("", "windows", "dns-client"), (("dns",),)),
)


def _field(kind: str, given: str | Field) -> Field:
    if isinstance(given, Field):
        return given
    column = EVENTS[kind].column(given)
    return Field(f"`{column.name}`", _FORMS[column.type], column.optional)


FIELDS: Mapping[str, Mapping[str, Field]] = {
    kind: {name: _field(kind, given) for name, given in names.items()} for kind, names in _COLUMNS.items()
}
KEYWORDS: Mapping[str, tuple[Field, ...]] = {k: tuple(_field(k, n) for n in names) for k, names in _KEYWORDS.items()}


def kinds_of(category: str | None, product: str | None, service: str | None) -> tuple[tuple[str, ...], ...]:
    """Groups of kinds that a log source stands for; empty if none."""
    given = (category or "", product or "", service or "")
    for wanted, groups in LOGSOURCES:
        if all(w is None or w == g for w, g in zip(wanted, given, strict=True)):
            return groups
    return ()
