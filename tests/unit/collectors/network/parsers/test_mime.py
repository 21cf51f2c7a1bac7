from __future__ import annotations

import pytest

from collectors.network.parsers.mime import sniff


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"MZ\x90\x00", "application/x-dosexec"),
        (b"\x7fELF\x02", "application/x-executable"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (bytes(257) + b"ustar", "application/x-tar"),
        (b"BM\x36\x00\x00\x00\x00\x00\x00\x00", "image/x-ms-bmp"),
        (b"BMW is a car", "text/plain"),
        (b"\xef\xbb\xbf  <!DOCTYPE html>", "text/html"),
        (b"<!-- x --><html>", "text/html"),
        (b"<?xml version='1.0'?><svg/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><a/>", "application/xml"),
        (b'{"a": 1}', "text/json"),
        (b"[1, 2]", "text/json"),
        (b"#!/bin/sh\n", "text/x-shellscript"),
        (b"#!/usr/bin/env python3\n", "text/x-python"),
        ("烽燧".encode(), "text/plain"),
        ("烽燧".encode()[:-1], "text/plain"),
        (b"\xff\xfeh\x00i\x00", "text/plain"),
        (b"\x00\x01\x02\x03", ""),
        (b"", ""),
    ],
)
def test_a_type_is_told_by_content(head: bytes, expected: str) -> None:
    assert sniff(head) == expected
