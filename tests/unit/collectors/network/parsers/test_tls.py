from __future__ import annotations

import contextlib
import datetime
import hashlib
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from collectors.network.parsers import x509 as certificates
from collectors.network.parsers.http import HttpParser
from collectors.network.parsers.starttls import start_tls_parsers
from collectors.network.parsers.tls import TlsParser
from collectors.network.parsers.tls_hello import RETRY, client_hello, fingerprints

Pieces = list[tuple[bool, bytes]]


def certificate(folder: Path) -> tuple[Path, bytes]:
    """A self-signed certificate with its key in one PEM file, and its DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
                      x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b.example"),
                      x509.NameAttribute(NameOID.COMMON_NAME, "tower.example")])  # fmt: skip
    begin = datetime.datetime(2025, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("tower.example"), x509.DNSName("*.tower.example")])
    cert = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=9000))
        .add_extension(names, False).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / "tower.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + cert.public_bytes(serialization.Encoding.PEM)
    )
    return path, cert.public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    return certificate(tmp_path_factory.mktemp("tls"))


def handshake(path: Path, version: ssl.TLSVersion, sessions: int = 1) -> list[Pieces]:
    """Real handshakes in memory, each with some application data; the later ones resume the first."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    for context in (client, server):
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2"])
    made, session = [], None
    for _ in range(sessions):
        c_in, c_out, s_in, s_out = (ssl.MemoryBIO() for _ in range(4))
        c = client.wrap_bio(c_in, c_out, server_hostname="tower.example", session=session)
        s = server.wrap_bio(s_in, s_out, server_side=True)
        pieces: Pieces = []

        def step(action: Any) -> None:
            with contextlib.suppress(ssl.SSLWantReadError):
                action()

        for _ in range(4):
            step(c.do_handshake)
            pieces.append((True, c_out.read()))
            s_in.write(pieces[-1][1])
            step(s.do_handshake)
            pieces.append((False, s_out.read()))
            c_in.write(pieces[-1][1])
        c.write(b"ping")
        pieces.append((True, c_out.read()))
        s_in.write(pieces[-1][1])
        s.read()
        s.write(b"pong")
        pieces.append((False, s_out.read()))
        c_in.write(pieces[-1][1])
        c.read()
        session = c.session
        made.append([p for p in pieces if p[1]])
    return made


def hello(
    ciphers: list[int], extensions: list[tuple[int, bytes]], version: int = 0x0303, session: bytes = b""
) -> bytes:
    """The body of a ClientHello."""
    suites = b"".join(struct.pack(">H", c) for c in ciphers)
    parts = b"".join(struct.pack(">HH", t, len(d)) + d for t, d in extensions)
    head = struct.pack(">H", version) + bytes(32) + bytes([len(session)]) + session
    return head + struct.pack(">H", len(suites)) + suites + b"\x01\x00" + struct.pack(">H", len(parts)) + parts


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    return struct.pack(">BHH", kind, version, len(body)) + body


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def server_hello(
    cipher: int = 0x1301, random: bytes = bytes(32), extensions: bytes = b"", version: int = 0x0303
) -> bytes:
    return struct.pack(">H", version) + random + b"\0" + struct.pack(">HBH", cipher, 0, len(extensions)) + extensions


SNI = (0, b"\0\x0a\0\0\x07a.local")
V13 = struct.pack(">HHH", 43, 2, 0x0304)


@pytest.mark.parametrize(
    ("version", "expected"), [(ssl.TLSVersion.TLSv1_2, "TLSv12"), (ssl.TLSVersion.TLSv1_3, "TLSv13")]
)
def test_a_real_handshake_is_one_row(converse: Any, pem: tuple[Path, bytes], version: Any, expected: str) -> None:
    (row,) = converse(TlsParser(), handshake(pem[0], version)[0])
    assert (row["version"], row["sni"], row["established"], row["resumed"]) == (expected, "tower.example", True, False)
    assert row["curve"]
    assert row["cipher"].startswith("TLS_")
    assert len(row["ja3"]) == len(row["ja3s"]) == 32
    assert row["ja4"].startswith(f"t{expected[-2:]}d")
    assert row["ts"] == 1_001_000


def test_the_certificate_of_the_server_is_described(converse: Any, pem: tuple[Path, bytes]) -> None:
    (row,) = converse(TlsParser(), handshake(pem[0], ssl.TLSVersion.TLSv1_2)[0])
    assert row["cert_sha256"] == hashlib.sha256(pem[1]).hexdigest()
    assert row["subject"] == row["issuer"] == "CN=tower.example,emailAddress=a@b.example,C=CN"
    assert (row["self_signed"], row["san"]) == (True, ["tower.example", "*.tower.example"])
    assert row["not_before"] == 1_735_787_045_000_000
    assert row["not_after"] - row["not_before"] == 9000 * 86_400_000_000
    assert row["alpn"] == "h2"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_resumed_session_is_marked(converse: Any, pem: tuple[Path, bytes], version: Any) -> None:
    first, second = handshake(pem[0], version, 2)
    assert [r["resumed"] for r in converse(TlsParser(), first)] == [False]
    (row,) = converse(TlsParser(), second)
    assert (row["resumed"], row["established"]) == (True, True)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("cut", [1, 3, 5, 100])
def test_any_cut_of_the_stream_gives_the_same_row(
    converse: Any, pem: tuple[Path, bytes], version: Any, cut: int
) -> None:
    pieces = handshake(pem[0], version)[0]
    (whole,) = converse(TlsParser(), pieces)
    finer = [(o, d[i : i + cut]) for o, d in pieces for i in range(0, len(d), cut)]
    assert converse(TlsParser(), finer) == [whole]


def test_a_hello_split_over_records_is_read(converse: Any) -> None:
    raw = message(1, hello([0x1301], [SNI]))
    pieces = [(True, record(22, raw[i : i + 7])) for i in range(0, len(raw), 7)]
    (row,) = converse(TlsParser(), pieces)
    assert (row["sni"], row["version"], row["established"]) == ("a.local", "", False)


def test_nothing_is_wanted_after_the_handshake(connect: Any, pem: tuple[Path, bytes]) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        c = connect(TlsParser())
        for orig, data in handshake(pem[0], version)[0]:
            c.send(orig, data)
        assert c.wanted is False
        assert len(c.rows) == 1
        assert len(c.close()) == 1


def test_a_handshake_of_which_one_side_is_missing_is_left_in_the_end(connect: Any, pem: tuple[Path, bytes]) -> None:
    c = connect(TlsParser())
    for orig, data in handshake(pem[0], ssl.TLSVersion.TLSv1_2)[0]:
        c.send(False, b"" if orig else data)
    assert c.wanted is True
    for _ in range(100):
        c.send(False, record(23, bytes(1000)))
    assert c.wanted is False
    assert [(r["version"], r["established"]) for r in c.close()] == [("TLSv12", False)]


def test_a_refused_handshake_is_not_established(converse: Any) -> None:
    pieces = [(True, record(22, message(1, hello([0x2F], [SNI])))), (False, record(21, b"\x02\x28"))]
    (row,) = converse(TlsParser(), pieces)
    assert (row["established"], row["sni"]) == (False, "a.local")


def test_a_request_to_retry_is_not_the_answer(converse: Any) -> None:
    retry = server_hello(random=RETRY, extensions=V13 + struct.pack(">HHH", 51, 2, 24))
    final = server_hello(extensions=V13 + struct.pack(">HHHH", 51, 4, 24, 0))
    first = record(22, message(1, hello([0x1301], [SNI])))
    pieces = [(True, first), (False, record(22, message(2, retry))), (True, record(20, b"\x01") + first)]
    (row,) = converse(TlsParser(), pieces)
    assert row["established"] is False
    pieces += [(False, record(22, message(2, final)) + record(23, bytes(40))), (True, record(23, bytes(60)))]
    (row,) = converse(TlsParser(), pieces)
    assert (row["established"], row["curve"], row["version"]) == (True, "secp384r1", "TLSv13")


def test_early_data_does_not_establish(converse: Any) -> None:
    pieces = [(True, record(22, message(1, hello([0x1301], [SNI]))) + record(23, bytes(9)))]
    pieces += [(False, record(22, message(2, server_hello(extensions=V13))))]
    assert [r["established"] for r in converse(TlsParser(), pieces)] == [False]


def test_drafts_of_tls_13_are_named() -> None:
    from collectors.network.parsers.tls_names import version_name

    assert [version_name(v) for v in (0x7F17, 0x0304, 0x0300, 0x9999)] == ["TLSv13-draft23", "TLSv13", "SSLv3", ""]


def test_an_old_hello_begins_tls_too(converse: Any) -> None:
    body = b"\x01\x03\x01" + struct.pack(">HHH", 3, 0, 16) + b"\x00\x00\x2f" + bytes(16)
    old = struct.pack(">H", 0x8000 | len(body)) + body
    assert TlsParser().probe(old, b"", 443) is True
    answer = record(22, message(2, server_hello(0x2F, version=0x0301)), 0x0301)
    (row,) = converse(TlsParser(), [(True, old), (False, answer)])
    assert (row["version"], row["cipher"]) == ("TLSv10", "TLS_RSA_WITH_AES_128_CBC_SHA")


def test_a_server_that_speaks_only_sslv2_is_named(converse: Any, pem: tuple[Path, bytes]) -> None:
    asks = b"\x01\x00\x02" + struct.pack(">HHH", 3, 0, 16) + b"\x01\x00\x80" + bytes(16)
    told = b"\x04\x00\x01\x00\x02" + struct.pack(">HHH", len(pem[1]), 3, 16) + pem[1] + b"\x01\x00\x80" + bytes(16)
    old = [struct.pack(">H", 0x8000 | len(b)) + b for b in (asks, told)]
    (row,) = converse(TlsParser(), [(True, old[0]), (False, old[1])])
    assert (row["version"], row["cert_sha256"]) == ("SSLv2", hashlib.sha256(pem[1]).hexdigest())


def test_ja3_is_as_its_authors_publish_it() -> None:
    groups, formats = struct.pack(">4H", 6, 23, 24, 25), b"\x01\x00"
    suites = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4]
    found = client_hello(hello(suites, [SNI, (10, groups), (11, formats)], 769))
    assert found is not None
    assert found.ja3 == "ada70206e40642a3e4461f35503241d5"
    bare = client_hello(hello([4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99], [], 769))
    assert bare is not None
    assert bare.ja3 == "de350869b8c85de67a350c8d186f11e6"


CHROME = [
    0x1301,
    0x1302,
    0x1303,
    0xC02B,
    0xC02F,
    0xC02C,
    0xC030,
    0xCCA9,
    0xCCA8,
    0xC013,
    0xC014,
    0x9C,
    0x9D,
    0x2F,
    0x35,
]
SIGNATURES = struct.pack(">9H", 16, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


def chrome(grease: int, order: int) -> bytes:
    """A hello of the browser in the published example, with its GREASE and its shuffled extensions."""
    contents = {0: SNI[1], 16: b"\0\x0c\x02h2\x08http/1.1", 13: SIGNATURES,
                43: bytes([6]) + struct.pack(">3H", grease, 0x0304, 0x0303)}  # fmt: skip
    kinds = [0, 5, 10, 11, 13, 16, 18, 21, 23, 27, 35, 43, 45, 51, 0x4469, 0xFF01]
    kinds = kinds[order:] + kinds[:order]
    return hello([grease, *CHROME], [(grease, b""), *((k, contents.get(k, b"")) for k in kinds)])


@pytest.mark.parametrize(("grease", "order"), [(0x0A0A, 0), (0xFAFA, 5), (0x4A4A, 11)])
def test_ja4_is_as_its_authors_publish_it_whatever_the_order(grease: int, order: int) -> None:
    found = client_hello(chrome(grease, order))
    assert found is not None
    assert found.ja4 == "t13d1516h2_8daaf6152771_e5627efa2ab1"


@pytest.mark.parametrize(
    ("alpn", "expected"), [(b"", "00"), (b"\0\x03\x02h2", "h2"), (b"\0\x02\x01x", "xx"), (b"\0\x03\x02\xabz", "aa")]
)
def test_ja4_tells_of_the_first_protocol(alpn: bytes, expected: str) -> None:
    assert fingerprints(0x0303, b"", (), b"", b"", b"", b"", alpn)[1] == f"t12i0000{expected}_000000000000_000000000000"


def test_a_certificate_that_does_not_parse_still_has_its_hash() -> None:
    assert certificates.columns(b"no certificate") == {"cert_sha256": hashlib.sha256(b"no certificate").hexdigest()}


def test_tls_inside_a_connect_tunnel_is_read(converse: Any, pem: tuple[Path, bytes]) -> None:
    pieces = [(True, b"CONNECT tower.example:443 HTTP/1.1\r\n\r\n"), (False, b"HTTP/1.1 200 OK\r\n\r\n")]
    rows = converse(HttpParser(), pieces + handshake(pem[0], ssl.TLSVersion.TLSv1_3)[0])
    assert [(r["kind"], r.get("sni")) for r in rows] == [("http", None), ("tls", "tower.example")]


CLEAR: list[tuple[str, int, Pieces]] = [
    ("smtp", 25, [(False, b"220 mx ESMTP\r\n"), (True, b"EHLO me\r\n"), (False, b"250-mx\r\n250 STARTTLS\r\n"),
                  (True, b"STARTTLS\r\n"), (False, b"220 go\r\n")]),
    ("ftp", 21, [(False, b"220 ready\r\n"), (True, b"AUTH TLS\r\n"), (False, b"234 ok\r\n")]),
    ("pop3", 110, [(False, b"+OK hi\r\n"), (True, b"STLS\r\n"), (False, b"+OK\r\n")]),
    ("imap", 143, [(False, b"* OK hi\r\n"), (True, b"a1 STARTTLS\r\n"), (False, b"a1 OK\r\n")]),
    ("irc", 6667, [(True, b"NICK a\r\nSTARTTLS\r\n"), (False, b":s 670 :go\r\n")]),
    ("xmpp", 5222, [(True, b"<?xml version='1.0'?><stream:stream to='a'>"), (False, b"<stream:features/>"),
                    (True, b"<starttls xmlns='x'/>"), (False, b"<proceed/>")]),
    ("ldap_tcp", 389, [(True, b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"),
                       (False, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0")]),
    ("postgresql", 5432, [(True, b"\0\0\0\x08\x04\xd2\x16\x2f"), (False, b"S")]),
    ("rdp", 3389, [(True, b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x01\0\0\0"),
                   (False, b"\x03\0\0\x13\x0e\xd0\0\0\x124\0\x02\x1f\x08\0\x01\0\0\0")]),
    ("mysql", 3306, [(False, b"\x4a\0\0\0\x0a5.7.1\0" + bytes(60)), (True, b"\x20\0\0\x01" + bytes(32))]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "port", "clear"), CLEAR, ids=[c[0] for c in CLEAR])
def test_tls_behind_a_clear_beginning_is_read(
    converse: Any, pem: tuple[Path, bytes], name: str, port: int, clear: Pieces
) -> None:
    first = {side: b"".join(d for o, d in clear if o is side) for side in (True, False)}
    (parser,) = [p for p in start_tls_parsers() if p.probe(first[True], first[False], port)][:1]
    assert parser.name == name
    pieces = clear + handshake(pem[0], ssl.TLSVersion.TLSv1_2)[0]
    (row,) = converse(parser, pieces)
    assert (row["sni"], row["established"]) == ("tower.example", True)


@pytest.mark.parametrize(
    ("orig", "resp", "port"),
    [
        (b"*1\r\n$4\r\nPING\r\n", b"+OK\r\n", 6379),  # Redis
        (b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02", b"", 102),  # S7
        (b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", 80),
        (b"SSH-2.0-a\r\n", b"SSH-2.0-b\r\n", 22),
    ],
)
def test_what_only_resembles_a_clear_beginning_is_not_taken(orig: bytes, resp: bytes, port: int) -> None:
    assert [p.name for p in start_tls_parsers() if p.probe(orig, resp, port)] == []


def test_a_clear_connection_that_never_asks_has_no_row_and_is_left(connect: Any) -> None:
    (parser,) = [p for p in start_tls_parsers() if p.name == "pop3"]
    c = connect(parser)
    c.send(False, b"+OK hi\r\n").send(True, b"\x16\x03\x01\x00\x40\x01 not asked for\r\n")
    for _ in range(70):
        c.send(False, b"mail " * 200)
    assert c.wanted is False
    assert c.close() == []


@pytest.mark.parametrize(
    ("orig", "resp", "expected"),
    [
        (record(22, message(1, hello([47], []))), b"", True),
        (b"", record(22, message(2, server_hello())), True),
        (b"\x16\x03", b"", None),
        (b"GET / HTTP/1.1", b"", False),
        (record(23, bytes(40)), record(23, bytes(40)), False),
        (b"\x16\xfe\xfd\x00\x00\x00", b"", False),
    ],
)
def test_tls_is_known_by_a_hello(orig: bytes, resp: bytes, expected: bool | None) -> None:
    assert TlsParser().probe(orig, resp, 9999) is expected
