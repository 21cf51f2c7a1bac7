"""Every event kind, once. Arrow schemas, tables, JSON and the reference page are generated from these declarations.

A kind is a name, a version and columns. Raise ``version`` when columns are added; never remove or retype one: a reader
understands the version before its own (``fengsui.batch.upgrade`` fills what an older writer did not know).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import pyarrow as pa


class Type(Enum):
    """A column's type: Arrow on the wire, ClickHouse in the store. Empty text and an empty list mean *absent*."""

    ID = (pa.binary(16), "FixedString(16)")
    TIME = (pa.timestamp("us", tz="UTC"), "DateTime64(6, 'UTC')")
    IP = (pa.binary(16), "IPv6")  # IPv4 is mapped: ::ffff:a.b.c.d
    WORD = (pa.string(), "LowCardinality(String)")  # few distinct values
    TEXT = (pa.string(), "String")
    TEXTS = (pa.list_(pa.string()), "Array(String)")
    TIMES = (pa.list_(pa.timestamp("us", tz="UTC")), "Array(DateTime64(6, 'UTC'))")
    COUNTS = (pa.list_(pa.uint64()), "Array(UInt64)")
    U8 = (pa.uint8(), "UInt8")
    U16 = (pa.uint16(), "UInt16")
    U32 = (pa.uint32(), "UInt32")
    U64 = (pa.uint64(), "UInt64")
    F64 = (pa.float64(), "Float64")
    BOOL = (pa.bool_(), "Bool")

    @property
    def arrow(self) -> pa.DataType:
        return self.value[0]

    @property
    def clickhouse(self) -> str:
        return self.value[1]


@dataclass(frozen=True)
class Column:
    """One column. ``cap`` bounds text in bytes and lists in entries, so that no row outgrows a message."""

    name: str
    type: Type
    doc: str
    optional: bool = False
    cap: int = 0

    @property
    def arrow(self) -> pa.Field:
        return pa.field(self.name, self.type.arrow, nullable=self.optional)

    @property
    def clickhouse(self) -> str:
        return f"Nullable({self.type.clickhouse})" if self.optional else self.type.clickhouse


@dataclass(frozen=True)
class Kind:
    """One kind of event (or finding): its own columns come after the shared ones."""

    name: str
    version: int
    ocsf: int
    doc: str
    own: tuple[Column, ...]
    network: bool = True

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns that travel, in their order on the wire."""
        return BASE + (NETWORK if self.network else ()) + self.own

    @property
    def stored(self) -> tuple[Column, ...]:
        """The columns of the table: what travels, and where on the bus it came from."""
        return self.columns + PLACE

    @property
    def arrow(self) -> pa.Schema:
        return pa.schema([c.arrow for c in self.columns], metadata={"kind": self.name, "version": str(self.version)})

    def column(self, name: str) -> Column:
        return next(c for c in self.stored if c.name == name)


C, T = Column, Type

BASE = (
    C("event_id", T.ID, "Identity of the event; the same for a replay of the same capture or log"),
    C("ts", T.TIME, "When it happened"),
    C("read_at", T.TIME, "When its message was cut; one value in a message"),
    C("org", T.WORD, "Organisation that owns the sensor"),
    C("network", T.WORD, "Address space: 10.0.0.5 exists in every organisation"),
    C("sensor", T.WORD, "Name of the sensor"),
    C("origin", T.TEXT, "The capture (SHA-256), log (hash of its first data line) or feed that it came from"),
    C("source", T.WORD, "pcap, live, zeek, eve, netflow, syslog, feed or submission"),
    C("truncated", T.BOOL, "A field was cut at its cap"),
    C("clock_ahead", T.BOOL, "ts is more than an hour ahead of read_at; left out of windows"),
)
NETWORK = (
    C("uid", T.ID, "Identity of the flow that it belongs to"),
    C("src_ip", T.IP, "Originator"),
    C("src_port", T.U16, "Originator's port; the type for ICMP"),
    C("dst_ip", T.IP, "Responder"),
    C("dst_port", T.U16, "Responder's port; the code for ICMP"),
    C("proto", T.WORD, "tcp, udp, icmp, sctp, or the protocol's number"),
    C("community_id", T.TEXT, "Community ID 1.0 of the flow"),
    C("vlan", T.U16, "Outermost VLAN id, 0 if none"),
)
PLACE = (
    C("topic", T.WORD, "Topic of the message, and the bus's identity after an @"),
    C("partition", T.U32, "Partition of the message"),
    C("offset", T.U64, "Offset of the message"),
)

FLOW = Kind("flow", 1, 4001, "A connection, or an exchange between two endpoints", (
    C("duration", T.F64, "Seconds from the first to the last packet; absent for a single packet", optional=True),
    C("app", T.WORD, "Application protocol found in the payload, as Zeek names services"),
    C("conn_state", T.WORD, "Zeek's connection state: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH"),
    C("history", T.TEXT, "Zeek's history letters", cap=64),
    C("orig_bytes", T.U64, "Payload bytes of the originator; for TCP by sequence numbers"),
    C("resp_bytes", T.U64, "Payload bytes of the responder"),
    C("orig_pkts", T.U64, "Packets of the originator"),
    C("resp_pkts", T.U64, "Packets of the responder"),
    C("orig_ip_bytes", T.U64, "IP bytes of the originator, by the length field of the IP header"),
    C("resp_ip_bytes", T.U64, "IP bytes of the responder"),
    C("missed_bytes", T.U64, "TCP payload bytes that the capture lacks"),
    C("tunnel", T.WORD, "Encapsulation it travelled in"),
    C("open", T.BOOL, "Reported while still open; the final row of the same uid supersedes it, never a second flow"),
))

DNS = Kind("dns", 1, 4003, "A DNS transaction: a query with its answer where one was seen", (
    C("trans_id", T.U16, "Transaction id"),
    C("query", T.TEXT, "Name asked for, without the final dot, lower case as Zeek writes it", cap=255),
    C("qtype", T.WORD, "Type asked for by name; TYPEn if it has none"),
    C("qclass", T.U16, "Class asked for; 1 is Internet"),
    C("rcode", T.WORD, "Response code by name; empty if no answer was seen"),
    C("aa", T.BOOL, "Authoritative answer"),
    C("tc", T.BOOL, "Truncated answer"),
    C("rd", T.BOOL, "Recursion desired"),
    C("ra", T.BOOL, "Recursion available"),
    C("answers", T.TEXTS, "Answers as text, as Zeek writes them", cap=64),
    C("ttls", T.COUNTS, "Seconds that each answer may be kept", cap=64),
    C("rtt", T.F64, "Seconds from query to answer", optional=True),
))

HTTP = Kind("http", 1, 4002, "An HTTP request with its response where one was seen", (
    C("trans_depth", T.U32, "Ordinal of the request in its connection, from 1"),
    C("method", T.WORD, "Request method"),
    C("host", T.TEXT, "Host header, without port; empty if missing", cap=255),
    C("uri", T.TEXT, "Request target as sent", cap=4096),
    C("version", T.WORD, "HTTP version"),
    C("referrer", T.TEXT, "Referer header", cap=2048),
    C("user_agent", T.TEXT, "User-Agent header", cap=1024),
    C("status", T.U16, "Response status", optional=True),
    C("reason", T.TEXT, "Reason phrase", cap=128),
    C("req_body_len", T.U64, "Bytes of the request body, decoded from chunks"),
    C("resp_body_len", T.U64, "Bytes of the response body, decoded from chunks"),
    C("req_mime", T.WORD, "Type of the request body by content"),
    C("resp_mime", T.WORD, "Type of the response body by content"),
    C("username", T.TEXT, "User of Basic authentication; passwords are never kept", cap=128),
))

TLS = Kind("tls", 1, 4001, "A TLS handshake", (
    C("version", T.WORD, "Negotiated version: SSLv3, TLSv10 … TLSv13"),
    C("cipher", T.WORD, "Chosen cipher suite by its IANA name"),
    C("curve", T.WORD, "Named group of the key exchange"),
    C("sni", T.TEXT, "Server name that the client asked for", cap=255),
    C("alpn", T.WORD, "Application protocol negotiated"),
    C("resumed", T.BOOL, "An earlier session was resumed"),
    C("established", T.BOOL, "The handshake completed"),
    C("ja3", T.TEXT, "JA3 of the client"),
    C("ja3s", T.TEXT, "JA3S of the server"),
    C("ja4", T.TEXT, "JA4 of the client"),
    C("subject", T.TEXT, "Subject of the server's certificate, RFC 4514", cap=1024),
    C("issuer", T.TEXT, "Issuer of the server's certificate, RFC 4514", cap=1024),
    C("san", T.TEXTS, "Names in the server's certificate", cap=128),
    C("not_before", T.TIME, "Start of the certificate's validity", optional=True),
    C("not_after", T.TIME, "End of the certificate's validity", optional=True),
    C("cert_sha256", T.TEXT, "SHA-256 of the server's certificate"),
    C("self_signed", T.BOOL, "Subject and issuer are the same"),
))

FILE = Kind("file", 1, 4010, "A file carried by a protocol", (
    C("sha256", T.TEXT, "SHA-256 of the content seen; the blob's key where it is kept"),
    C("md5", T.TEXT, "MD5 of the content seen"),
    C("mime", T.WORD, "Type by content"),
    C("filename", T.TEXT, "Name that the protocol gave", cap=512),
    C("size", T.U64, "Size that the protocol declared", optional=True),
    C("seen_bytes", T.U64, "Bytes seen; fewer than size if the capture lacks some"),
    C("protocol", T.WORD, "Protocol that carried it"),
    C("direction", T.WORD, "orig or resp: who sent it"),
    C("kept", T.BOOL, "The content is in the blob store"),
))

RELEASE = Kind("release", 1, 5020, "Something was published in a public registry of software, or taken back", (
    C("ecosystem", T.WORD, "As in package URLs: pypi, npm"),
    C("name", T.TEXT, "Name of the package as its registry writes it", cap=512),
    C("version", T.TEXT, "Version; empty where the package as a whole is meant", cap=255),
    C("purl", T.TEXT, "Package URL", cap=1024),
    C("action", T.WORD, "released, yanked, removed; gap: the change stream lacks something, told in the summary"),
    C("detailed", T.BOOL, "Its details were asked for; the columns below are absent otherwise"),
    C("published_at", T.TIME, "When this version was published", optional=True),
    C("first", T.BOOL, "The first version of this package"),
    C("age_days", T.F64, "Days from the package's first version to this one", optional=True),
    C("uploader", T.TEXT, "Who published it, where the registry says so", cap=255),
    C("new_uploader", T.BOOL, "Nobody of that name had published an earlier version"),
    C("maintainers", T.TEXTS, "Who may publish", cap=64),
    C("size", T.U64, "Bytes of its first file", optional=True),
    C("sha256", T.TEXT, "SHA-256 of its first file, where the registry says so"),
    C("summary", T.TEXT, "What it says that it is", cap=512),
    C("repository", T.TEXT, "Where it says that its source is", cap=1024),
    C("install_hooks", T.TEXTS, "What runs when it is installed, as hook: command", cap=16),
    C("new_hooks", T.BOOL, "It runs something when it is installed that the version before did not"),
), network=False)

ARTIFACT = Kind("artifact", 1, 5020, "A file that was found in submitted software", (
    C("submission", T.TEXT, "The submission that it lies in"),
    C("sha256", T.TEXT, "SHA-256 of its content"),
    C("parent_sha256", T.TEXT, "SHA-256 of what holds it; empty for what was submitted itself"),
    C("path", T.TEXT, "Path from what was submitted, as outer!/inner", cap=1024),
    C("format", T.WORD, "Format by content"),
    C("size", T.U64, "Bytes"),
    C("entropy", T.F64, "Bits a byte"),
    C("depth", T.U16, "How deeply it lies in archives"),
), network=False)

SCAN = Kind("scan", 1, 2004, "A verdict on submitted software", (
    C("submission", T.TEXT, "The submission"),
    C("sha256", T.TEXT, "SHA-256 of what was submitted"),
    C("name", T.TEXT, "Its name when it was submitted", cap=512),
    C("purl", T.TEXT, "The package that it says it is", cap=1024),
    C("analysis", T.WORD, "Rules, analyses and model that the verdict is of"),
    C("verdict", T.WORD, "malicious, suspicious, incomplete or clean"),
    C("probability", T.F64, "Of malice"),
    C("limits", T.TEXTS, "What was not looked at", cap=32),
    C("reasons", T.TEXTS, "Rules behind it, the heaviest first", cap=32),
    C("bytes_out", T.U64, "Bytes that decompressors gave"),
    C("files", T.U64, "Members that were met"),
    C("seconds", T.F64, "Seconds that the worker needed"),
    C("signature", T.COUNTS, "MinHash of its code; equal places tell how much two resemble each other", cap=64),
), network=False)

FINDING = Kind("finding", 1, 2004, "What a detector or hunt concludes. Never changed, only superseded", (
    C("form", T.WORD, "added, result, empty (a result without findings) or withdraw (of an origin)"),
    C("finding_id", T.ID, "Hash of rule, organisation, network, subject and window or batch"),
    C("rule", T.WORD, "Rule that concluded it"),
    C("detector", T.WORD, "Detector or hunt that applied the rule"),
    C("detector_version", T.WORD, "Digest of the rule's text and the detector's version"),
    C("subject", T.TEXT, "What it is about: host:, domain:, pkg:, file: or org:", cap=1024),
    C("related", T.TEXTS, "Other subjects in it", cap=64),
    C("group", T.TEXT, "Findings with the same organisation, network, rule and group are one alert", cap=1024),
    C("severity", T.U8, "OCSF severity, 0 to 6"),
    C("confidence", T.U8, "0 to 100"),
    C("queued", T.BOOL, "At or above the rule's alert line: it belongs in the queue"),
    C("category", T.WORD, "GB/T 20986-2023 category/sub-category"),
    C("domain", T.WORD, "network, supply_chain, data or physical"),
    C("techniques", T.TEXTS, "ATT&CK techniques", cap=32),
    C("summary", T.TEXT, "JSON: [rule, arguments], rendered in the reader's language by the rule's text", cap=4096),
    C("explanation", T.TEXT, "JSON: the numbers behind it", cap=65536),
    C("evidence", T.TEXTS, "At most 20 events, each kind@microseconds#event_id", cap=20),
    C("filter", T.TEXT, "JSON: the filter that finds the rest of the evidence", cap=4096),
    C("first_seen", T.TIME, "Earliest event in it"),
    C("last_seen", T.TIME, "Latest event in it"),
    C("hours", T.TIMES, "Hours in which its events lie", cap=744),
    C("hour_counts", T.COUNTS, "Events in each of those hours", cap=744),
    C("window_start", T.TIME, "Start of the window, for a result", optional=True),
    C("window_end", T.TIME, "End of the window, exclusive", optional=True),
    C("result_version", T.U64, "For a result: the announcement it was computed at; a higher one replaces a lower"),
), network=False)

EVENTS: dict[str, Kind] = {k.name: k for k in (FLOW, DNS, HTTP, TLS, FILE, RELEASE, ARTIFACT, SCAN)}
KINDS: dict[str, Kind] = {**EVENTS, FINDING.name: FINDING}
