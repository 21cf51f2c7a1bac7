"""The type of a file by its first bytes. Names follow Zeek's file analysis where it knows the type."""

from __future__ import annotations

import re

SNIFF = 1024  # bytes that are looked at

# (offset, bytes, type); the first that fits wins.
MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"MZ", "application/x-dosexec"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\xca\xfe\xba\xbe", "application/x-java-applet"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-o-executable"),
    (0, b"\xce\xfa\xed\xfe", "application/x-mach-o-executable"),
    (0, b"dex\n", "application/x-dex"),
    (0, b"\x00asm", "application/wasm"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"%!PS", "application/postscript"),
    (0, b"{\\rtf", "text/rtf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"Rar!\x1a\x07", "application/x-rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b", "application/x-gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"(\xb5/\xfd", "application/zstd"),
    (0, b"MSCF", "application/vnd.ms-cab-compressed"),
    (257, b"ustar", "application/x-tar"),
    (0, b"!<arch>\n", "application/x-archive"),
    (0, b"\xed\xab\xee\xdb", "application/x-rpm"),
    (0, b"Cr24", "application/x-chrome-extension"),
    (0, b"\x4c\x00\x00\x00\x01\x14\x02\x00", "application/x-ms-shortcut"),
    (0, b"ITSF", "application/vnd.ms-htmlhelp"),
    (0, b"FWS", "application/x-shockwave-flash"),
    (0, b"CWS", "application/x-shockwave-flash"),
    (0, b"ZWS", "application/x-shockwave-flash"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/x-wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"BM", "image/x-ms-bmp"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "application/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"wOFF", "application/font-woff"),
    (0, b"wOF2", "application/font-woff2"),
    (0, b"\x00\x01\x00\x00\x00", "application/x-font-ttf"),
    (0, b"OTTO", "application/vnd.ms-opentype"),
    (0, b"SQLite format 3\x00", "application/x-sqlite3"),
    (0, b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (0, b"-----BEGIN CERTIFICATE-----", "application/x-x509-ca-cert"),
    (0, b"-----BEGIN PGP", "application/pgp"),
)
# A type that must also fit here: two letters alone are too common a start.
_CHECK = {
    "image/x-ms-bmp": re.compile(rb"BM.{4}\x00\x00\x00\x00", re.S),
    "image/x-icon": re.compile(rb"\x00\x00\x01\x00[\x01-\x40]\x00"),
}

TEXTS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"<\?xml[^>]*\?>\s*(<!--.*?-->\s*)?<svg", re.I | re.S), "image/svg+xml"),
    (re.compile(rb"<\?xml[^>]*\?>\s*(<!--.*?-->\s*)?<!doctype html|<\?xml[^>]*\?>\s*<html", re.I | re.S), "text/html"),
    (re.compile(rb"<\?xml", re.I), "application/xml"),
    (re.compile(rb"<svg[\s>]", re.I), "image/svg+xml"),
    (re.compile(rb"<\?php|<\?=", re.I), "text/x-php"),
    (re.compile(rb"(?:<!--(?:(?!-->).)*-->\s*)*<(!doctype\s+html|html|head|title|body|h[1-6]|script|iframe|table|meta|a\s+href)\b",
                re.I | re.S), "text/html"),
    (re.compile(rb"#!\s*\S*/(env\s+)?(ba|z|da|k|c)?sh\b"), "text/x-shellscript"),
    (re.compile(rb"#!\s*\S*/(env\s+)?python"), "text/x-python"),
    (re.compile(rb"#!\s*\S*/(env\s+)?perl"), "text/x-perl"),
    (re.compile(rb"[\[{]\s*([\[{\"\]}]|-?\d|true|false|null)"), "text/json"),
)  # fmt: skip
# Of each first byte, what may fit, in order.
_ANYWHERE = tuple(m for m in MAGIC if m[0])
_BY_FIRST = {f: tuple(m for m in MAGIC if m[0] or m[1][:1] == f) for f in {m[1][:1] for m in MAGIC if not m[0]}}
_BLANK = b" \t\r\n\x0b\x0c"
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r\x0b\x0c\x1b")


def sniff(head: bytes) -> str:
    """The type of content that begins with ``head``; empty if it is not recognised."""
    for offset, magic, kind in _BY_FIRST.get(head[:1], _ANYWHERE):
        if head.startswith(magic, offset) and (kind not in _CHECK or _CHECK[kind].match(head)):
            return kind
    start = head[:SNIFF].removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    for pattern, kind in TEXTS:
        if pattern.match(start):
            return kind
    return "text/plain" if head and _is_text(head[:SNIFF]) else ""


def _is_text(head: bytes) -> bool:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    if head.translate(None, _CONTROL) != head or b"\x7f" in head:
        return False
    try:
        head.decode()
    except UnicodeDecodeError as e:
        return e.start >= len(head) - 3 and e.reason == "unexpected end of data"
    return True
