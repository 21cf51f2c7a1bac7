"""Zeek's logs: what is read, what is reported, and that growth, rotation and resumption change nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest

from collectors.network.zeek import find_logs, is_zeek_folder, log_origin, other_logs, read_log
from fengsui.batch import Identity
from fengsui.errors import BadInput, UsageError
from fengsui.jsonform import objects

HEAD = ("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{path}\n"
        "#open\t2024-05-01-00-00-00\n#fields\t{fields}\n#types\t{types}\n")  # fmt: skip
ID = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p "
CONN_TEXT = """proto service duration orig_bytes resp_bytes conn_state local_orig local_resp missed_bytes history
    orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents"""
DNS_TEXT = """proto trans_id rtt query qclass qclass_name qtype qtype_name rcode rcode_name AA TC RD RA Z answers TTLs
    rejected"""
HTTP_TEXT = """trans_depth method host uri referrer version user_agent origin request_body_len response_body_len
    status_code status_msg info_code info_msg tags username password proxied orig_fuids orig_filenames orig_mime_types
    resp_fuids resp_filenames resp_mime_types"""
CONN, DNS, HTTP = ((ID + text).split() for text in (CONN_TEXT, DNS_TEXT, HTTP_TEXT))
WHO = Identity(org="org-1", network="lan", sensor="made", origin="o")


def header(path: str, fields: list[str]) -> bytes:
    return HEAD.format(path=path, fields="\t".join(fields), types="\t".join(["string"] * len(fields))).encode()


def conn(i: int, **changed: str) -> bytes:
    text = (f"1714521600.{i:06d} C{i} 192.0.2.{i % 250} {1024 + i} 2001:db8::{i:x} 443 tcp ssl 0.25 100 200 SF T F 0 "
            "ShADadFf 4 300 5 400 -")  # fmt: skip
    row = dict(zip(CONN, text.split(), strict=True))
    names = {"orig_h": "id.orig_h", "orig_p": "id.orig_p", "resp_h": "id.resp_h", "resp_p": "id.resp_p"}
    row.update({names.get(k, k): v for k, v in changed.items()})
    return "\t".join(row.values()).encode() + b"\n"


def conn_log(folder: Path, n: int = 5, name: str = "conn.log") -> Path:
    path = folder / name
    path.write_bytes(header("conn", CONN) + b"".join(conn(i) for i in range(n)))
    return path


def rows(path: Path, **options: object) -> list[dict[str, object]]:
    return [o for c in read_log(path, WHO, **options) for o in objects(c.batch)]  # type: ignore[arg-type]


def faults(path: Path) -> list[BadInput]:
    return [b for c in read_log(path, WHO) for b in c.bad]


def test_a_connection_has_the_values_of_its_line(tmp_path: Path) -> None:
    row = rows(conn_log(tmp_path))[1]
    given = {k: row[k] for k in ("kind", "ts", "src_ip", "src_port", "dst_ip", "dst_port", "proto", "app", "duration",
                                 "orig_bytes", "resp_ip_bytes", "conn_state", "history", "open", "source")}  # fmt: skip
    assert given == {"kind": "flow", "ts": "2024-05-01T00:00:00.000001Z", "src_ip": "192.0.2.1", "src_port": 1025,
                     "dst_ip": "2001:db8::1", "dst_port": 443, "proto": "tcp", "app": "ssl", "duration": 0.25,
                     "orig_bytes": 100, "resp_ip_bytes": 400, "conn_state": "SF", "history": "ShADadFf", "open": False,
                     "source": "zeek"}  # fmt: skip


def test_times_are_exact_to_the_microsecond(tmp_path: Path) -> None:
    texts = ["1714521600.000001", "1714521599.999999", "9007199254.740993", "0.000001", "1714521600",
             "1714521600.1234567"]  # fmt: skip
    path = tmp_path / "conn.log"
    path.write_bytes(header("conn", CONN) + b"".join(conn(i, ts=t) for i, t in enumerate(texts)))
    got = [c.batch.column("ts").cast(pa.int64()).to_pylist() for c in read_log(path, WHO)]
    assert got == [[1714521600000001, 1714521599999999, 9007199254740993, 1, 1714521600000000, 1714521600123457]]


def test_unset_fields_are_absent(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(header("conn", CONN) + conn(1, service="-", duration="-", history="(empty)", orig_bytes="-"))
    [row] = rows(path)
    assert not {"app", "duration", "history"} & set(row)
    assert row["orig_bytes"] == 0


def test_json_lines_give_the_same_rows_as_tab_separated_ones(tmp_path: Path) -> None:
    lines = []
    for i in range(5):
        values = dict(zip(CONN, conn(i).decode().rstrip("\n").split("\t"), strict=True))
        del values["tunnel_parents"]
        typed: dict[str, object] = dict(values)
        for name in CONN:
            if name.endswith(("_p", "_bytes", "_pkts")):
                typed[name] = int(values[name])
        typed.update(ts=float(values["ts"]), duration=float(values["duration"]), local_orig=True, local_resp=False)
        lines.append(json.dumps(typed) + "\n")
    (tmp_path / "json").mkdir()
    as_json = tmp_path / "json" / "conn.log"
    as_json.write_text("".join(lines))
    ours = [{k: v for k, v in r.items() if k != "event_id"} for r in rows(as_json)]
    theirs = [{k: v for k, v in r.items() if k != "event_id"} for r in rows(conn_log(tmp_path))]
    assert len(ours) == 5 and ours == theirs


@pytest.mark.parametrize("time, us", [("1.714521600123456e9", 1714521600123456), ("1714521600123", 1714521600123000),
                                      ('"2024-05-01T00:00:00.123456Z"', 1714521600123456), ("22.335172", 22335172),
                                      ('"2024-05-01T00:00:00Z"', 1714521600000000)])  # fmt: skip
def test_json_times_are_read_in_each_form_that_zeek_writes(tmp_path: Path, time: str, us: int) -> None:
    path = tmp_path / "conn.log"
    path.write_text('{"ts":' + time + ',"uid":"C1","id.orig_h":"192.0.2.1","id.resp_h":"192.0.2.2"}\n')
    [chunk] = read_log(path, WHO)
    assert chunk.batch.column("ts").cast(pa.int64()).to_pylist() == [us]


def test_sets_vectors_and_escapes_are_decoded(tmp_path: Path) -> None:
    line = ("1714521600.5\tC1\t192.0.2.1\t5353\t192.0.2.53\t53\tudp\t7\t-\tMiXed.\\xe7\\x83\\xbd.example\t1\tC_INTERNET"
            "\t16\tTXT\t0\tNOERROR\tF\tF\tT\tT\t0\tTXT 3 a\\x2cb,c\\\\d,\\xff"
            "\t60.000000,5.000000,0.5\tF\n")  # fmt: skip
    path = tmp_path / "dns.log"
    path.write_bytes(header("dns", DNS) + line.encode())
    [row] = rows(path)
    assert row["answers"] == ["TXT 3 a,b", "c\\d", "\\xff"]
    assert row["ttls"] == [60, 5, 0]
    assert row["query"] == "mixed.烽.example"
    assert (row["qtype"], row["rcode"], row["rd"], row["aa"]) == ("TXT", "NOERROR", True, False)


def test_json_escapes_and_lists_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "dns.log"
    path.write_text('{"ts":1.5,"uid":"C1","id.orig_h":"192.0.2.1","id.resp_h":"192.0.2.53","query":"a\\u70fdb.example",'
                    '"answers":["x, \\"y\\" ]","z"], "TTLs":[1.0 , 2.5],"qtype":65,'
                    '"nested":{"a":[1,"}"]},"rtt":1e-06}\n')
    [row] = rows(path)
    assert (row["query"], row["answers"], row["ttls"]) == ("a烽b.example", ['x, "y" ]', "z"], [1, 2])
    assert (row["qtype"], row["rtt"]) == ("TYPE65", 1e-06)


def test_the_host_loses_its_port_and_a_password_is_never_kept(tmp_path: Path) -> None:
    line = ("1714521600.5 C1 192.0.2.1 40000 198.51.100.2 8000 1 GET www.example:8000 /x - 1.1 curl/8 - 0 12 200 OK "
            "- - (empty) user secret-word - - - - F1 - text/html,text/plain")  # fmt: skip
    path = tmp_path / "http.log"
    path.write_bytes(header("http", HTTP) + line.replace(" ", "\t").encode() + b"\n")
    [row] = rows(path)
    assert (row["host"], row["username"], row["resp_mime"], row["status"]) == ("www.example", "user", "text/html", 200)
    assert "secret-word" not in json.dumps(row)


def test_the_sender_of_a_file_is_the_originator_only_if_the_log_says_so(tmp_path: Path) -> None:
    fields = ["ts", "fuid", "tx_hosts", "rx_hosts", "conn_uids", "source", "mime_type", "is_orig", "seen_bytes",
              "total_bytes", "sha256"]  # fmt: skip
    down = f"1.0\tF1\t203.0.113.9\t192.0.2.7\tC1,C2\tHTTP\ttext/html\tF\t10\t-\t{'a' * 64}\n"
    up = f"2.0\tF2\t192.0.2.7\t203.0.113.9\tC1\tHTTP\ttext/html\tT\t10\t12\t{'b' * 64}\n"
    path = tmp_path / "files.log"
    path.write_bytes(header("files", fields) + (down + up).encode())
    got = rows(path)
    ends = ("192.0.2.7", "203.0.113.9")
    assert [(r["src_ip"], r["dst_ip"], r["direction"]) for r in got] == [(*ends, "resp"), (*ends, "orig")]
    assert "size" not in got[0] and got[1]["size"] == 12
    assert got[0]["uid"] == got[1]["uid"]


def test_logs_of_one_connection_share_its_uid_but_not_across_sensors(tmp_path: Path) -> None:
    path = conn_log(tmp_path)
    other = Identity(org="org-1", network="lan", sensor="other", origin="o")
    [mine], [theirs] = list(read_log(path, WHO)), list(read_log(path, other))
    (tmp_path / "ssl.log").write_bytes(header("ssl", ["ts", "uid", "id.orig_h", "id.resp_h", "server_name"])
                                       + b"1.0\tC3\t192.0.2.3\t203.0.113.1\twww.example\n")  # fmt: skip
    [tls] = rows(tmp_path / "ssl.log")
    assert tls["uid"] == mine.batch.column("uid")[3].as_py().hex()
    for name in ("uid", "event_id"):
        assert not set(mine.batch.column(name).to_pylist()) & set(theirs.batch.column(name).to_pylist())


def test_an_open_connection_has_the_uid_of_the_final_one_and_an_event_of_its_own(tmp_path: Path) -> None:
    [final] = rows(conn_log(tmp_path, 1))
    [still] = rows(conn_log(tmp_path, 1, "open_conn.log"))
    assert (still["open"], final["open"]) == (True, False)
    assert still["uid"] == final["uid"] and still["event_id"] != final["event_id"]


@pytest.mark.parametrize("proto, ends, expected", [  # published with the specification's baseline implementation
    ("tcp", "128.232.110.120 34855 66.35.250.204 80", "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
    ("udp", "192.168.1.52 54585 8.8.8.8 53", "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
    ("icmp", "192.168.0.89 8 192.168.0.1 0", "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
])  # fmt: skip
def test_a_community_id_is_computed_where_the_log_has_none(tmp_path: Path, proto: str, ends: str, expected: str,
                                                                   ) -> None:  # fmt: skip
    a, p, b, q = ends.split()
    path = tmp_path / "conn.log"
    path.write_bytes(header("conn", CONN) + conn(1, proto=proto, orig_h=a, orig_p=p, resp_h=b, resp_p=q))
    assert [r["community_id"] for r in rows(path)] == [expected]
    given = conn(1, proto=proto, orig_h=a, orig_p=p, resp_h=b, resp_p=q).rstrip(b"\n") + b"\t1:given=\n"
    path.write_bytes(header("conn", [*CONN, "community_id"]) + given)
    assert [r["community_id"] for r in rows(path)] == ["1:given="]


def test_every_bad_line_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    bad = {10: (conn(1, ts="yesterday"), "ts is not a time: 'yesterday'"),
           12: (conn(2, orig_p="93145"), "id.orig_p is not a port: '93145'"),
           13: (conn(3, resp_h="2001:db8:::1"), "id.resp_h is not an address: '2001:db8:::1'"),
           14: (conn(4, orig_bytes="-5"), "orig_bytes is not a whole number up to 18446744073709551615: '-5'"),
           15: (conn(5, duration="1.2.3"), "duration is not a number of seconds: '1.2.3'"),
           16: (b"half\ta line\n", "wrong number of fields"),
           17: (conn(6, orig_h="-"), "id.orig_h is missing"),
           18: (conn(7, ts="-"), "ts is not a time: ''")}  # fmt: skip
    path = tmp_path / "conn.log"
    rest = b"".join(bad[i][0] for i in range(12, 19))
    path.write_bytes(header("conn", CONN) + conn(100) + bad[10][0] + conn(101) + rest + conn(102))
    got = faults(path)
    assert [(b.at, b.reason, b.raw, b.place) for b in got] == [
        (at, reason, raw.rstrip(b"\n"), str(path)) for at, (raw, reason) in bad.items()
    ]
    assert [r["src_port"] for r in rows(path)] == [1124, 1125, 1126]


@pytest.mark.parametrize("line, reason", [
    ('{"ts":1.0,"uid":"C1","id.orig_h":"192.0', "half a JSON object"), ('{"ts":1.0', "half a JSON object"),
    ("[1,2]", "not a JSON object"), ('{"ts":1.0} x', "text after the JSON object"), ('{"ts" 1.0}', "not a JSON object"),
    ('{"uid":"\\q"}', "an escape that JSON does not know"), ('{"uid":}', "not a JSON object"),
    ('{"ts":1.0,"id.orig_h":"nowhere","id.resp_h":"192.0.2.1"}', "id.orig_h is not an address: 'nowhere'"),
])  # fmt: skip
def test_a_bad_json_line_is_named(tmp_path: Path, line: str, reason: str) -> None:
    good = '{"ts":1.0,"uid":"C1","id.orig_h":"192.0.2.1","id.resp_h":"192.0.2.2"}\n'
    path = tmp_path / "conn.log"
    path.write_text(good + line + "\n" + good)
    [fault] = faults(path)
    assert (fault.at, fault.reason, fault.raw) == (2, reason, line.encode())
    assert len(rows(path)) == 2


def test_a_folder_names_what_it_reads_and_what_not(tmp_path: Path) -> None:
    conn_log(tmp_path, 1, "conn.00:00:00-01:00:00.log")
    (tmp_path / "open_http.log").write_bytes(header("http", HTTP))
    (tmp_path / "weird.log").write_bytes(header("weird", ["ts"]))
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "dns.log").write_text('{"ts":1.0,"_path":"dns"}\n')
    found = find_logs(tmp_path)
    assert [(g.path.name, g.kind, g.open) for g in found] == [
        ("conn.00:00:00-01:00:00.log", "flow", False), ("dns.log", "dns", False), ("open_http.log", "http", True)]
    assert [p.name for p in other_logs(tmp_path)] == ["weird.log"]
    assert is_zeek_folder(tmp_path) and is_zeek_folder(tmp_path / "day")


def test_a_folder_without_logs_says_what_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "weird.log").write_bytes(header("weird", ["ts"]))
    assert not is_zeek_folder(tmp_path)
    with pytest.raises(UsageError, match=r"looked for conn, dns, files, http, ssl"):
        find_logs(tmp_path)


def test_a_log_without_header_takes_the_order_of_its_neighbour(tmp_path: Path) -> None:
    order = ["_node_name", *CONN]
    (tmp_path / "conn.log").write_bytes(header("conn", order) + b"w1\t" + conn(1))
    top = tmp_path / "conn_top.log"
    top.write_bytes(b"w1\t" + conn(1) + b"w2\t" + conn(2))
    assert [r["src_port"] for r in rows(top)] == [1025, 1026]


def test_a_log_without_header_or_neighbour_is_read_in_zeeks_own_order(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_bytes(conn(1) + conn(2))
    assert [r["src_port"] for r in rows(path)] == [1025, 1026]
    path.write_bytes(b"1.0\tC1\t192.0.2.1\n")
    with pytest.raises(BadInput, match="3 fields are no order of conn"):
        rows(path)


def test_a_header_in_the_middle_changes_the_order_of_fields(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    turned = b"\t".join(reversed(conn(2).rstrip(b"\n").split(b"\t"))) + b"\n"
    path.write_bytes(header("conn", CONN) + conn(1) + b"#close\tx\n" + header("conn", CONN[::-1]) + turned)
    whole = list(read_log(path, WHO))
    assert [o["src_port"] for c in whole for o in objects(c.batch)] == [1025, 1026]
    assert [r["src_port"] for r in rows(path, start=whole[0].end)] == [1026]


def test_the_origin_is_the_hash_of_the_first_data_line(tmp_path: Path) -> None:
    assert log_origin(conn_log(tmp_path)) == hashlib.sha256(conn(0).rstrip(b"\n")).hexdigest()
    empty = tmp_path / "dns.log"
    empty.write_bytes(header("dns", DNS))
    assert log_origin(empty) == ""
