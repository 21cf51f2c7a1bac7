"""Zeek's fields to the columns of our kinds: one table a log, and the few things that a table cannot say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from collectors.network import zeek_values as values
from collectors.network.zeek_community import fill_community_ids
from collectors.network.zeek_scan import split_lists
from collectors.network.zeek_text import texts

Faults = dict[int, str]
U16, U32, U64 = np.uint64(0xFFFF), np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFFFFFFFFFF)

# How a field is read: name of the log's field -> our column, by type. Fields not named here are not kept.
COUNTS = {
    "conn": {"orig_bytes": U64, "resp_bytes": U64, "orig_pkts": U64, "resp_pkts": U64, "orig_ip_bytes": U64,
             "resp_ip_bytes": U64, "missed_bytes": U64},
    "dns": {"trans_id": U16, "qclass": U16, "qtype": U16},
    "http": {"trans_depth": U32, "status_code": U16, "request_body_len": U64, "response_body_len": U64},
    "ssl": {},
    "files": {"seen_bytes": U64, "total_bytes": U64},
}  # fmt: skip
SECONDS = {"conn": ("duration",), "dns": ("rtt",), "http": (), "ssl": (), "files": ()}
FLAGS = {"conn": (), "dns": ("AA", "TC", "RD", "RA"), "http": (), "ssl": ("resumed", "established"),
         "files": ("is_orig",)}  # fmt: skip
TEXTS = {
    "conn": ("proto", "service", "conn_state", "history", "community_id", "ip_proto"),
    "dns": ("proto", "query", "qtype_name", "rcode_name"),
    "http": ("method", "host", "uri", "version", "referrer", "user_agent", "status_msg", "username"),
    "ssl": ("version", "cipher", "curve", "server_name", "next_protocol", "ja3", "ja3s", "ja4", "subject", "issuer"),
    "files": ("source", "mime_type", "filename", "md5", "sha256"),
}
LISTS = {
    "conn": ("tunnel_parents",),
    "dns": ("answers", "TTLs"),
    "http": ("orig_mime_types", "resp_mime_types"),
    "ssl": ("cert_chain_fps",),
    "files": ("tx_hosts", "rx_hosts", "conn_uids"),
}
ENDPOINTS = ("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")
RENAMED = {
    "service": "app", "AA": "aa", "TC": "tc", "RD": "rd", "RA": "ra", "TTLs": "ttls", "qtype_name": "qtype",
    "rcode_name": "rcode", "status_code": "status", "status_msg": "reason", "request_body_len": "req_body_len",
    "response_body_len": "resp_body_len", "server_name": "sni", "next_protocol": "alpn", "total_bytes": "size",
    "mime_type": "mime", "source": "protocol",
}  # fmt: skip


def wanted(log: str) -> tuple[str, ...]:
    """The fields that are read of a log, in the order of their spans."""
    return ("ts", "uid", *ENDPOINTS, *COUNTS[log], *SECONDS[log], *FLAGS[log], *TEXTS[log], *LISTS[log], "vlan")


@dataclass(frozen=True)
class Spans:
    """Where the wanted fields of n lines lie: starts and ends (fields, n) int64 into ``data``."""

    data: NDArray[np.uint8]
    names: tuple[str, ...]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    set_separator: int
    json: bool

    def of(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        i = self.names.index(name)
        return self.starts[i], self.ends[i]

    def present(self, name: str) -> NDArray[np.bool_]:
        s, e = self.of(name)
        mask: NDArray[np.bool_] = e > s
        return mask

    def text(self, name: str) -> pa.StringArray:
        return texts(self.data, *self.of(name), self.json)

    def lists(self, name: str) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
        offsets, s, e = split_lists(self.data, *self.of(name), self.set_separator, self.json)
        return offsets, s, e

    def firsts(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The span of the first element of each list; empty if it has none."""
        offsets, s, e = self.lists(name)
        some = offsets[1:] > offsets[:-1]
        first, last = np.zeros(len(some), np.int64), np.zeros(len(some), np.int64)
        first[some], last[some] = s[offsets[:-1][some]], e[offsets[:-1][some]]
        return first, last

    def keep(self, mask: NDArray[np.bool_]) -> Spans:
        return Spans(self.data, self.names, self.starts[:, mask], self.ends[:, mask], self.set_separator, self.json)


class _Reader:
    """Reads typed columns and notes, for each line that has one, its first fault."""

    def __init__(self, spans: Spans) -> None:
        self.spans, self.faults, self.columns = spans, Faults(), dict[str, Any]()

    def take(self, name: str, what: str, read: Callable[..., Any], *more: Any, to: str = "") -> None:
        starts, ends = self.spans.of(name)
        self.columns[to or name] = self._checked(name, what, starts, ends, read(self.spans.data, starts, ends, *more))

    def _checked(self, name: str, what: str, starts: Any, ends: Any, result: Any) -> Any:
        got, bad = result
        for i in np.flatnonzero(bad):
            raw = self.spans.data[starts[i] : min(ends[i], starts[i] + 80)].tobytes()
            self.faults.setdefault(int(i), f"{name} is not {what}: {raw.decode('utf-8', 'backslashreplace')!r}")
        return got

    def first_address(self, name: str) -> Any:
        starts, ends = self.spans.firsts(name)
        got = values.addresses(self.spans.data, starts, ends)
        return self._checked(name, "an address", starts, ends, got)

    def required(self, name: str) -> None:
        for i in np.flatnonzero(~self.spans.present(name)):
            self.faults.setdefault(int(i), f"{name} is missing")


def typed(log: str, spans: Spans) -> tuple[dict[str, Any], Faults]:
    """Times, numbers and addresses of all lines, and what is wrong in which."""
    r = _Reader(spans)
    r.take("ts", "a time", values.times)
    if log != "files":
        r.required("id.orig_h")
        r.required("id.resp_h")
    for name, to in zip(ENDPOINTS, ("src_ip", "src_port", "dst_ip", "dst_port"), strict=True):
        if name.endswith("_h"):
            r.take(name, "an address", values.addresses, to=to)
        else:
            r.take(name, "a port", values.counts, U16, to=to)
    for name, most in (*COUNTS[log].items(), ("vlan", U16)):
        r.take(name, f"a whole number up to {most}", values.counts, most)
    for name in SECONDS[log]:
        r.take(name, "a number of seconds", values.seconds)
    for name in FLAGS[log]:
        r.take(name, "T or F", values.flags)
    if log == "files":
        r.columns["tx"], r.columns["rx"] = r.first_address("tx_hosts"), r.first_address("rx_hosts")
    return r.columns, r.faults


def finish(log: str, opened: bool, columns: dict[str, Any], spans: Spans) -> dict[str, Any]:
    """All columns of the lines that are kept, under our names."""
    out = dict(columns)
    for name in SECONDS[log]:
        out[name] = pa.array(out[name], pa.float64(), mask=~spans.present(name))
    for name in TEXTS[log]:
        out[name] = spans.text(name)
    _SPECIAL[log](out, spans, opened)
    if log != "files":  # which may name no connection
        fill_community_ids(out)
    return {RENAMED.get(k, k): v for k, v in out.items()}


def _conn(out: dict[str, Any], spans: Spans, opened: bool) -> None:
    n = len(out["ts"])
    number = out.pop("ip_proto")
    unknown = pc.equal(out["proto"], "unknown_transport")
    if pc.any(unknown).as_py():
        out["proto"] = pc.if_else(pc.and_(unknown, pc.not_equal(number, "")), number, out["proto"])
    # The log names the tunnel's flows, not what it was.
    out["tunnel"] = pc.if_else(pa.array(_filled(spans, "tunnel_parents")), "tunnel", "")
    out["open"] = np.full(n, opened)


def _filled(spans: Spans, name: str) -> NDArray[np.bool_]:
    offsets, _, _ = spans.lists(name)
    mask: NDArray[np.bool_] = offsets[1:] > offsets[:-1]
    return mask


def _dns(out: dict[str, Any], spans: Spans, opened: bool) -> None:
    out["query"] = pc.ascii_lower(out["query"])
    number = out.pop("qtype")
    unnamed = pc.and_(pc.equal(out["qtype_name"], ""), pa.array(spans.present("qtype")))
    unnamed = pc.or_(unnamed, pc.starts_with(out["qtype_name"], "query-"))
    if pc.any(unnamed).as_py():
        made = pc.binary_join_element_wise("TYPE", pa.array(number).cast(pa.string()), "")
        out["qtype_name"] = pc.if_else(unnamed, made, out["qtype_name"])
    offsets, s, e = spans.lists("answers")
    out["answers"] = pa.ListArray.from_arrays(pa.array(offsets), texts(spans.data, s, e, spans.json))
    offsets, s, e = spans.lists("TTLs")
    ttls = np.clip(values.seconds(spans.data, s, e)[0], 0, U32).astype(np.uint64)
    out["TTLs"] = pa.ListArray.from_arrays(pa.array(offsets), pa.array(ttls))


def _http(out: dict[str, Any], spans: Spans, opened: bool) -> None:
    out["proto"] = _same("tcp", len(out["ts"]))
    out["status_code"] = pa.array(out["status_code"], pa.uint16(), mask=~spans.present("status_code"))
    if pc.any(pc.match_substring(out["host"], ":")).as_py():
        out["host"] = pc.replace_substring_regex(out["host"], r"^([^:\[\]]*|\[[^\]]*\]):[0-9]*$", r"\1")
    for name, to in (("orig_mime_types", "req_mime"), ("resp_mime_types", "resp_mime")):
        out[to] = texts(spans.data, *spans.firsts(name), spans.json)


def _ssl(out: dict[str, Any], spans: Spans, opened: bool) -> None:
    datagrams = pc.starts_with(out["version"], "DTLS")
    out["proto"] = pc.if_else(datagrams, "udp", "tcp")
    out["cert_sha256"] = texts(spans.data, *spans.firsts("cert_chain_fps"), spans.json)
    out["self_signed"] = pc.and_(pc.equal(out["subject"], out["issuer"]), pc.not_equal(out["subject"], ""))


def _files(out: dict[str, Any], spans: Spans, opened: bool) -> None:
    """Older logs name sender and receiver, newer ones the connection: who of both is the originator says is_orig."""
    sent, sender, receiver = out.pop("is_orig"), out.pop("tx"), out.pop("rx")
    named = spans.present("id.orig_h")[:, None]
    out["src_ip"] = np.where(named, out["src_ip"], np.where(sent[:, None], sender, receiver))
    out["dst_ip"] = np.where(named, out["dst_ip"], np.where(sent[:, None], receiver, sender))
    out["direction"] = pc.if_else(pa.array(sent), "orig", "resp")
    out["proto"] = _same("tcp", len(sent))
    out["source"] = pc.utf8_lower(out["source"])
    out["total_bytes"] = pa.array(out["total_bytes"], pa.uint64(), mask=~spans.present("total_bytes"))


def _same(text: str, n: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), n)


_SPECIAL: dict[str, Callable[[dict[str, Any], Spans, bool], None]] = {
    "conn": _conn, "dns": _dns, "http": _http, "ssl": _ssl, "files": _files,
}  # fmt: skip
