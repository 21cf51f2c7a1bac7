from __future__ import annotations

import base64
import gzip
import hashlib
import zlib
from typing import Any

import pytest

from collectors.network.parsers import http_body
from collectors.network.parsers.http import MAX_WAITING, HttpParser

GET = b"GET /a?b=1 HTTP/1.1\r\nHost: www.example.com:8080\r\nUser-Agent: curl/8\r\nReferer: http://x/\r\n\r\n"
PAGE = b"<html><body>hello</body></html>"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE)


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + end


def reply(*headers: bytes, body: bytes = PAGE, line: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return b"\r\n".join((line, *headers, b"", body))


def web(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r for r in rows if r["kind"] == "http"]


def files(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r for r in rows if r["kind"] == "file"]


def test_a_request_and_its_response_are_one_row(converse: Any) -> None:
    rows = converse(HttpParser(), [(True, GET), (False, OK)])
    (row,) = web(rows)
    assert {k: row[k] for k in ("trans_depth", "method", "host", "uri", "version", "referrer", "user_agent")} == {
        "trans_depth": 1, "method": "GET", "host": "www.example.com", "uri": "/a?b=1", "version": "1.1",
        "referrer": "http://x/", "user_agent": "curl/8"}  # fmt: skip
    assert (row["status"], row["reason"], row["resp_body_len"], row["resp_mime"]) == (200, "OK", len(PAGE), "text/html")


def test_any_cut_of_the_stream_gives_the_same_rows(converse: Any) -> None:
    asked = GET + b"POST /u HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"one", b"two") + GET
    told = OK + reply(b"Transfer-Encoding: chunked", body=chunked(PAGE[:7], PAGE[7:])) + OK
    whole = converse(HttpParser(), [(True, asked), (False, told)])
    assert [r["status"] for r in web(whole)] == [200, 200, 200]
    for size in (1, 2, 3, 7, 50):
        pieces = [(True, asked[i : i + size]) for i in range(0, len(asked), size)]
        pieces += [(False, told[i : i + size]) for i in range(0, len(told), size)]
        assert [r | {"ts": 0} for r in converse(HttpParser(), pieces)] == [r | {"ts": 0} for r in whole]


def test_pipelined_requests_meet_their_responses_in_order(converse: Any) -> None:
    asked = b"".join(b"GET /%d HTTP/1.1\r\n\r\n" % i for i in range(5))
    told = b"".join(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % (200 + i) for i in range(4))
    rows = web(converse(HttpParser(), [(True, asked), (False, told)]))
    assert [(r["uri"], r.get("status"), r["trans_depth"]) for r in rows] == [
        ("/0", 200, 1), ("/1", 201, 2), ("/2", 202, 3), ("/3", 203, 4), ("/4", None, 5)]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "response", "length"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", 0),
        (b"GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 0),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 0),
        (b"GET", b"HTTP/1.1 100 Continue\r\n\r\n" + OK, len(PAGE)),
    ],
)
def test_a_response_without_a_body_does_not_swallow_the_next(
    converse: Any, method: bytes, response: bytes, length: int
) -> None:
    pieces = [(True, method + b" / HTTP/1.1\r\n\r\n"), (False, response), (True, GET), (False, OK)]
    rows = web(converse(HttpParser(), pieces))
    assert [r["resp_body_len"] for r in rows] == [length, len(PAGE)]


def test_a_body_until_the_close_is_whole(converse: Any) -> None:
    rows = converse(HttpParser(), [(True, GET), (False, reply(body=PAGE[:5])), (False, PAGE[5:])])
    (file,) = files(rows)
    assert file["sha256"] == hashlib.sha256(PAGE).hexdigest()
    assert "truncated" not in file


def test_a_file_is_carved_with_its_name_hashes_and_content(connect: Any) -> None:
    c = connect(HttpParser())
    c.send(True, b"GET /dir/tool.exe?x=1 HTTP/1.1\r\n\r\n")
    c.send(False, reply(b"Content-Length: 4", body=b"MZ\x90\x00"))
    c.close()
    (file,) = c.of("file")
    assert (file["filename"], file["mime"], file["size"], file["seen_bytes"]) == (
        "tool.exe",
        "application/x-dosexec",
        4,
        4,
    )
    assert (file["direction"], file["protocol"], file["kept"]) == ("resp", "http", True)
    assert file["md5"] == hashlib.md5(b"MZ\x90\x00").hexdigest()
    assert c.kept == {hashlib.sha256(b"MZ\x90\x00").hexdigest(): b"MZ\x90\x00"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b'attachment; filename="a b.zip"', "a b.zip"),
        (b"attachment; filename=plain.txt; size=3", "plain.txt"),
        (b"attachment; filename*=UTF-8''%e7%83%bd.pdf; filename=x", "烽.pdf"),
        (b"attachment; filename*=nonsense''%41", "A"),
        (b"inline", "page"),
    ],
)
def test_the_name_of_a_file_comes_from_its_disposition_first(converse: Any, header: bytes, expected: str) -> None:
    response = reply(b"Content-Disposition: " + header, b"Content-Length: 31")
    (file,) = files(converse(HttpParser(), [(True, b"GET /x/page HTTP/1.1\r\n\r\n"), (False, response)]))
    assert file["filename"] == expected


def test_an_upload_is_a_file_of_the_originator(converse: Any) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="f"; filename="up.txt"\r\n\r\nhi\r\n--b--\r\n'
    post = b"POST /form HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    (file,) = files(converse(HttpParser(), [(True, post + body)]))
    assert (file["direction"], file["filename"], file["seen_bytes"]) == ("orig", "up.txt", len(body))


def test_a_file_that_breaks_off_is_marked(converse: Any) -> None:
    rows = converse(HttpParser(), [(True, GET), (False, reply(b"Content-Length: 100"))])
    (file,) = files(rows)
    assert (file["size"], file["seen_bytes"], file["truncated"]) == (100, len(PAGE), True)


def test_a_gap_inside_a_body_is_counted_and_the_next_response_is_read(connect: Any) -> None:
    c = connect(HttpParser())
    c.send(True, GET + GET).send(False, reply(b"Content-Length: 100")).gap(False, 100 - len(PAGE)).send(
        False, OK
    ).close()
    assert [f.get("truncated") for f in c.of("file")] == [True, None]
    assert [h["resp_body_len"] for h in c.of("http")] == [len(PAGE), len(PAGE)]


def test_after_a_gap_across_messages_reading_resumes_at_the_next_one(connect: Any) -> None:
    c = connect(HttpParser())
    c.send(True, GET + GET).send(False, reply(b"Content-Length: 100")).gap(False, 5000)
    c.send(False, b"rest of something").send(False, OK).close()
    assert [h.get("status") for h in c.of("http")] == [200, 200]


@pytest.mark.parametrize(
    ("coding", "content"),
    [
        (b"gzip", gzip.compress(PAGE)),
        (b"deflate", zlib.compress(PAGE)),
        (b"deflate", zlib.compress(PAGE)[2:-4]),
        (b"gzip", zlib.compress(PAGE)),
        (b"gzip", PAGE),
        (b"gzip", gzip.compress(PAGE[:9]) + gzip.compress(PAGE[9:])),
        (b"gzip, gzip", gzip.compress(gzip.compress(PAGE))),
        (b"gzip", gzip.compress(PAGE)[:3] + b"\x60" + gzip.compress(PAGE)[4:]),
        (b"gzip", gzip.compress(PAGE)[:-8] + b"\0" * 8),
    ],
)
def test_a_compressed_file_is_carved_as_the_browser_sees_it(connect: Any, coding: bytes, content: bytes) -> None:
    c = connect(HttpParser())
    c.send(True, GET)
    response = reply(b"Content-Encoding: " + coding, b"Content-Length: %d" % len(content), body=content)
    for i in range(len(response)):
        c.send(False, response[i : i + 1])
    c.close()
    assert list(c.kept.values()) == [PAGE]
    (row,) = c.of("http")
    assert (row["resp_body_len"], row["resp_mime"]) == (len(content), "text/html")


def test_a_decompression_bomb_is_cut(converse: Any) -> None:
    bomb = gzip.compress(bytes(100_000_000))
    response = reply(b"Content-Encoding: gzip", b"Content-Length: %d" % len(bomb), body=bomb)
    (file,) = files(converse(HttpParser(), [(True, GET), (False, response)]))
    assert file["truncated"] is True
    assert file["kept"] is False
    assert file["seen_bytes"] <= http_body.FREE_DECODED + http_body.RATIO * len(bomb)


def test_a_file_over_the_limit_is_hashed_whole_and_not_kept(connect: Any) -> None:
    parser = HttpParser()
    c = connect(parser)
    content = bytes(http_body.KEEP_BYTES + 1)
    c.send(True, GET).send(False, reply(b"Content-Length: %d" % len(content), body=b""))
    for i in range(0, len(content), 1 << 20):
        c.send(False, content[i : i + (1 << 20)])
    c.close()
    (file,) = c.of("file")
    assert (file["kept"], file["sha256"]) == (False, hashlib.sha256(content).hexdigest())
    assert c.kept == {}
    assert parser._budget.left == http_body.KEEP_ALL


def test_files_that_are_open_together_share_one_budget(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    parser = HttpParser()
    parser._budget.left = 1000
    open_files = [connect(parser) for _ in range(3)]
    for c in open_files:
        c.send(True, GET).send(False, reply(b"Content-Length: 400", body=bytes(399)))
    for c in open_files:
        c.send(False, b"x").close()
    assert [f["kept"] for c in open_files for f in c.of("file")] == [True, True, False]
    assert parser._budget.left == 1000


def test_the_user_of_basic_authentication_is_kept_and_the_password_is_not(converse: Any) -> None:
    token = base64.b64encode("müller:s3cret".encode())
    asked = b"GET http://bob:hunter2@h/x HTTP/1.1\r\nAuthorization: Basic " + token + b"\r\n\r\n"
    rows = converse(HttpParser(), [(True, asked), (False, OK)])
    assert web(rows)[0]["username"] == "müller"
    assert web(rows)[0]["uri"] == "http://bob@h/x"
    assert "s3cret" not in repr(rows)
    assert "hunter2" not in repr(rows)


@pytest.mark.parametrize("value", [b"Basic !!!!", b"Basic", b"Bearer abc", b""])
def test_other_authentication_names_nobody(converse: Any, value: bytes) -> None:
    rows = converse(HttpParser(), [(True, b"GET / HTTP/1.1\r\nAuthorization: " + value + b"\r\n\r\n"), (False, OK)])
    assert web(rows)[0]["username"] == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"a.example", "a.example"), (b"a.example:80", "a.example"), (b"[2001:db8::1]:8080", "2001:db8::1"), (b"", "")],
)
def test_the_host_has_no_port(converse: Any, value: bytes, expected: str) -> None:
    rows = converse(HttpParser(), [(True, b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n")])
    assert web(rows)[0]["host"] == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"GET / HTTP/1.1", ("GET", "/", "1.1")),
        (b"QUERY /q HTTP/1.1", ("QUERY", "/q", "1.1")),
        (b"GET HTTP/1.1", ("GET", "", "1.1")),
        (b"GET /a b HTTP/1.0", ("GET", "/a b", "1.0")),
        (b"GET / HTTP/1.", ("GET", "/", "1.")),
        (b"GET /HTTP/1.1", ("GET", "/HTTP/1.1", "0.9")),
        (b"GET\t/\tHTTP/1.1", ("GET", "/", "1.1")),
    ],
)
def test_odd_request_lines_are_read_as_zeek_reads_them(converse: Any, line: bytes, expected: Any) -> None:
    (row,) = web(converse(HttpParser(), [(True, line + b"\r\nHost: h\r\n\r\n")]))
    assert (row["method"], row["uri"], row["version"]) == expected


@pytest.mark.parametrize("line", [b"GET/ HTTP/1.1", b"OPTIONS", b"\xc3\x83 / HTTP/1.1"])
def test_a_line_that_is_no_request_has_no_row_but_its_response_has(converse: Any, line: bytes) -> None:
    (row,) = web(converse(HttpParser(), [(True, line + b"\r\nHost: h\r\n\r\n"), (False, OK)]))
    assert "method" not in row
    assert (row["status"], row["trans_depth"]) == (200, 1)


def test_cruft_behind_a_request_ends_the_reading(connect: Any) -> None:
    c = connect(HttpParser())
    c.send(True, GET).send(False, OK).send(True, b"T / HTTP\n\n")
    assert c.wanted is False
    assert len(web(c.close())) == 1


def test_http_09_has_a_body_without_a_head(converse: Any) -> None:
    rows = converse(HttpParser(), [(True, b"GET /old\r\n"), (False, PAGE)])
    (row,) = web(rows)
    assert (row["version"], row["uri"], row.get("status"), row["resp_mime"]) == ("0.9", "/old", None, "text/html")


def test_a_response_alone_has_a_row(converse: Any) -> None:
    (row,) = web(converse(HttpParser(), [(False, OK)]))
    assert (row["status"], row["resp_body_len"]) == (200, len(PAGE))


def test_a_request_smuggled_by_two_lengths_is_seen(converse: Any) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    asked = b"POST / HTTP/1.1\r\nContent-Length: %d\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" % (
        5 + len(inner)
    )
    assert [r["uri"] for r in web(converse(HttpParser(), [(True, asked + inner)]))] == ["/", "/smuggled"]


@pytest.mark.parametrize(
    "response",
    [
        reply(b"Transfer-Encoding: chunked"),
        reply(b"Transfer-Encoding: chunked", b"Content-Length: 31", line=b"http/1.0 200 ok"),
        reply(b"Content-Length: 31", line=b" HTTP/1.1 200 ok"),
        reply(b"Content-Length: 31", line=b"SIP/2.0 200 ok\r\nHTTP/1.1 200 ok"),
        reply(b"Content-Length: 31", line=b"HTTP/1.1\r 200 ok"),
        reply(b"Content-Length: 31", line=b"HTTP/1.1 2xx ok"),
        reply(b"Content-Length: 31", line=b"HTTP/1.1 100 ok"),
        reply(b"Content-Length: 31", line=b"HTTP/1.1 101 ok"),
        reply(b"Content-Length: 31").replace(b"\r\n\r\n", b"\n\t\n"),
        reply(b"Content-Length: 31").replace(b"\r\n\r\n", b"\n\r\r\n"),
        reply(b"X: y", b"Content-Length: 31").replace(b"\r\nX", b"\rX").replace(b"\r\nC", b"\rC"),
        reply(b"Transfer-Encoding: x", b"Transfer-Encoding: chunked", body=b"0x1f ;e=1\r\n" + PAGE + b"\r\n0\r\n\r\n"),
        reply(b"Transfer-Encoding : chunked", body=chunked(PAGE).replace(b"\r\n", b"\n")),
    ],
)
def test_a_file_is_carved_from_what_browsers_accept_all_the_same(connect: Any, response: bytes) -> None:
    c = connect(HttpParser())
    c.send(True, GET).send(False, response).close()
    assert list(c.kept.values()) == [PAGE]


def test_sides_taken_for_each_other_are_put_right(converse: Any) -> None:
    (row,) = web(converse(HttpParser(), [(False, GET), (True, OK)]))
    assert (row["method"], row["status"]) == ("GET", 200)


def test_nothing_is_wanted_after_an_upgrade(connect: Any) -> None:
    c = connect(HttpParser())
    c.send(True, GET).send(False, reply(b"Upgrade: websocket", body=b"", line=b"HTTP/1.1 101 Switching Protocols"))
    assert c.wanted is False
    assert [r["status"] for r in web(c.close())] == [101]


def test_http_inside_a_connect_tunnel_is_read(converse: Any) -> None:
    pieces = [(True, b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"), (False, b"HTTP/1.1 200 Established\r\n\r\n"),
              (True, GET), (False, OK)]  # fmt: skip
    rows = web(converse(HttpParser(), pieces))
    assert [(r["method"], r["uri"], r["status"]) for r in rows] == [("CONNECT", "h:80", 200), ("GET", "/a?b=1", 200)]


def test_a_refused_connect_is_no_tunnel(converse: Any) -> None:
    refused = reply(b"Content-Length: 2", body=b"no", line=b"HTTP/1.1 407 Proxy Authentication Required")
    pieces = [(True, b"CONNECT h:80 HTTP/1.1\r\n\r\n"), (False, refused), (True, GET), (False, OK)]
    assert [r["status"] for r in web(converse(HttpParser(), pieces))] == [407, 200]


def test_requests_that_nobody_answers_stay_bounded(connect: Any) -> None:
    c = connect(HttpParser())
    for _ in range(MAX_WAITING + 10):
        c.send(True, GET)
    assert len(c.of("http")) == 10
    assert len(web(c.close())) == MAX_WAITING + 10


def test_an_endless_head_is_not_kept(connect: Any) -> None:
    c = connect(HttpParser())
    c.send(True, b"GET / HTTP/1.1\r\n")
    for _ in range(100):
        c.send(True, b"X-A: " + b"a" * 1000 + b"\r\n")
    assert len(c.stream._sides[True]._buffer) == 0


@pytest.mark.parametrize(
    ("orig", "resp", "port", "expected"),
    [
        (GET, b"", 12345, True),
        (b"", OK, 12345, True),
        (b"GE", b"", 80, None),
        (b"GET /" + b"a" * 2000, b"", 12345, True),
        (b"XYZZY /q HTTP/1.1\r\n", b"", 4711, True),
        (b"GET /old\r\n", b"", 80, True),
        (b"GET /old\r\n", b"", 4711, False),
        (b"OPTIONS rtsp://h/ RTSP/1.0\r\n", b"", 554, False),
        (b"INVITE sip:a@b SIP/2.0\r\n", b"", 5060, False),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"", 80, False),
        (b"SSH-2.0-x\r\n", b"SSH-2.0-y\r\n", 22, False),
        (b"\x16\x03\x01\x02\x00\x01", b"", 443, False),
        (b"", b"220 mail ESMTP\r\n", 25, False),
    ],
)
def test_http_is_known_on_any_port(orig: bytes, resp: bytes, port: int, expected: bool | None) -> None:
    assert HttpParser().probe(orig, resp, port) is expected
