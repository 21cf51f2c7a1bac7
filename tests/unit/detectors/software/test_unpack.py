"""Archives as attackers make them, made here byte by byte."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import tempfile
import zipfile
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.software.budget import MB, PROFILES, Budget, Profile
from detectors.software.spool import Spool
from detectors.software.streams import CHUNK
from detectors.software.unpack import Node, Unpacker

SMALL = Profile("package", out=2 * MB, members=100, depth=3, ratio_from=MB, held=MB, spool=4 * MB, metadata=1 << 16)


class Seen:
    """An unpacking, and what it met."""

    def __init__(self, content: bytes, name: str = "x", profile: Profile = SMALL, spool: bool = True) -> None:
        self.files: dict[str, bytes] = {}
        self.budget = Budget(profile, lambda: 0.0)
        with tempfile.TemporaryFile() as f:
            u = Unpacker(self.budget, Spool(f.fileno() if spool else -1, profile.spool), self._look)
            u.run(memoryview(content), name)
        self.rules = [e.rule for e in u.evidence]
        self.limits = {x.name for x in self.budget.limits}

    def _look(self, node: Node) -> str:
        self.files[node.path] = bytes(node.content)
        return f"{zlib.crc32(node.content):08x}"

    def inner(self) -> dict[str, bytes]:
        return {k.removeprefix("x!/"): v for k, v in self.files.items() if k != "x"}


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, content in members.items():
            z.writestr(name, content)
    return out.getvalue()


def tarred(members: dict[str, bytes], **changes: object) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=changes.pop("format", tarfile.PAX_FORMAT)) as t:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for k, v in changes.items():
                setattr(info, k, v)
            t.addfile(info, io.BytesIO(content))
    return out.getvalue()


MEMBERS = {"a/one.py": b"import os\n" * 50, "two": bytes(range(256)), "empty": b""}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_gives_its_members_whatever_their_method(method):
    seen = Seen(zipped(MEMBERS, method))
    assert seen.inner() == MEMBERS
    assert (seen.rules, seen.limits) == ([], set())


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_gives_its_members_with_long_and_foreign_names(form):
    members = {**MEMBERS, "烽燧.txt": b"x", "d/" * 40 + "deep": b"deep"}
    seen = Seen(tarred(members, format=form))
    assert seen.inner() == members
    assert (seen.rules, seen.limits) == ([], set())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress,
                                  lambda c: lzma.compress(c, format=lzma.FORMAT_ALONE)])  # fmt: skip
def test_a_compressed_tar_is_opened_to_its_members(pack):
    seen = Seen(pack(tarred(MEMBERS)), name="x")
    assert seen.files["x!/x!/two"] == MEMBERS["two"]
    assert seen.limits == set()


def test_streams_that_follow_each_other_are_one():
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        assert Seen(pack(b"one ") + pack(b"two")).inner() == {"x": b"one two"}


def test_a_deb_is_an_ar_of_tars():
    data = gzip.compress(tarred({"./usr/bin/x": b"#!/bin/sh\n"}))
    head = b"data.tar.gz/".ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"100644".ljust(8)
    head += str(len(data)).encode().ljust(10)
    seen = Seen(b"!<arch>\n" + head + b"`\n" + data)
    assert seen.files["x!/data.tar.gz!/data.tar!/./usr/bin/x"] == b"#!/bin/sh\n"


def test_an_rpm_is_a_header_and_a_compressed_cpio():
    name = b"./etc/x\0"
    head = b"070701" + b"".join(b"%08x" % n for n in (1, 0o100644, 0, 0, 1, 0, 5, 0, 0, 0, 0, len(name), 0)) + name
    head += b"\0" * (-len(head) % 4) + b"hello\0\0\0"
    end = b"070701" + b"".join(b"%08x" % n for n in (0,) * 11 + (11, 0)) + b"TRAILER!!!\0"
    header = b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">2L", 0, 0)
    rpm = b"\xed\xab\xee\xdb" + bytes(92) + header + header + gzip.compress(head + end)
    assert Seen(rpm).files["x!/payload!/payload!/./etc/x"] == b"hello"


@pytest.mark.parametrize(("name", "rule"), [("../x", "archive.traversal"), ("a/../../x", "archive.traversal"),
                                            ("..\\x", "archive.traversal"), ("/etc/x", "archive.absolute"),
                                            ("C:\\x", "archive.absolute"), ("invoice\u202egnp.exe", "archive.bidi"),
                                            ("a\nb", "archive.control")])  # fmt: skip
def test_a_name_that_leads_out_or_deceives_is_evidence_and_its_content_is_looked_at(name, rule):
    for content in (tarred({name: b"payload"}), zipped({name: b"payload"})):
        seen = Seen(content)
        assert rule in seen.rules
        assert b"payload" in seen.inner().values()
        assert "\u202e" not in "".join(seen.files) and "\n" not in "".join(seen.files)


def test_an_ordinary_name_is_no_evidence():
    for name in ("..a/x", "a..b", "...", "a/./b", "名前/ファイル"):
        assert Seen(tarred({name: b"x"})).rules == [], name


@pytest.mark.parametrize(("kind", "target", "rule"), [
    (tarfile.SYMTYPE, "../../etc/passwd", "archive.link"), (tarfile.SYMTYPE, "/etc/passwd", "archive.link"),
    (tarfile.LNKTYPE, "../x", "archive.link"), (tarfile.CHRTYPE, "", "archive.device"),
    (tarfile.BLKTYPE, "", "archive.device"), (tarfile.FIFOTYPE, "", "archive.fifo"),
])  # fmt: skip
def test_links_out_devices_and_pipes_are_evidence(kind, target, rule):
    assert Seen(tarred({"a": b""}, type=kind, linkname=target)).rules == [rule]


def test_a_link_inside_is_none():
    assert Seen(tarred({"a/b/c": b""}, type=tarfile.SYMTYPE, linkname="../../d")).rules == []


def test_another_name_before_the_member_than_in_the_directory_is_evidence():
    content = zipped({"good.py": b"x"}, zipfile.ZIP_STORED)
    assert Seen(content.replace(b"good.py", b"evil.py", 1)).rules == ["archive.mismatch"]


def test_two_members_of_one_name_and_members_in_each_other_are_evidence():
    with pytest.warns(UserWarning, match="Duplicate name"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as z:
            z.writestr("a", b"1")
            z.writestr("a", b"2")
    assert "archive.twice" in Seen(out.getvalue()).rules
    content = zipped({"a": b"0" * 100, "b": b"1" * 100}, zipfile.ZIP_STORED)
    at = content.rfind(b"PK\x01\x02")
    both = content[: at + 42] + struct.pack("<L", 0) + content[at + 46 :]
    assert "archive.overlap" in Seen(both).rules


def test_bytes_before_and_behind_are_told_and_the_members_found():
    seen = Seen(zipped({"a": b"1"}) + b"more")
    assert (seen.rules, seen.inner()) == (["archive.trailing"], {"a": b"1"})
    out = io.BytesIO(b"MZ" + bytes(100))
    out.seek(102)
    with zipfile.ZipFile(out, "a") as z:
        z.writestr("a", b"1")
    from detectors.software import zips

    listed = zips.directory(memoryview(out.getvalue()), Budget(SMALL, lambda: 0.0))
    assert (listed.start, [e.name for e in listed.entries]) == (102, ["a"])


def encrypted(content: bytes, word: bytes) -> bytes:
    """A stored ZIP of one member, enciphered as PKWARE's traditional encryption (APPNOTE 6.1)."""
    plain = zipped({"a": content}, zipfile.ZIP_STORED)
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = zlib.crc32(bytes([byte]), keys[0] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
        keys[1] = ((keys[1] + (keys[0] & 255)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = zlib.crc32(bytes([keys[1] >> 24]), keys[2] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    for byte in word:
        update(byte)
    out = bytearray()
    for byte in bytes(11) + struct.pack("<L", zlib.crc32(content))[3:] + content:
        k = (keys[2] | 2) & 0xFFFF
        out.append(byte ^ (k * (k ^ 1) >> 8 & 255))
        update(byte)
    at, central = plain.find(content), plain.rfind(b"PK\x01\x02")
    local = bytearray(plain[:at])
    local[6] |= 1
    struct.pack_into("<L", local, 18, len(out))
    end = bytearray(plain[central:])
    end[8] |= 1
    struct.pack_into("<L", end, 20, len(out))
    struct.pack_into("<L", end, len(end) - 6, len(local) + len(out))
    return bytes(local + out + end)


def test_an_encrypted_member_is_opened_with_a_word_that_samples_use_and_otherwise_a_limit():
    seen = Seen(encrypted(b"secret payload", b"infected"))
    assert (seen.limits, seen.inner(), seen.rules) == (set(), {"a": b"secret payload"}, ["archive.password"])
    seen = Seen(encrypted(b"secret payload", b"another word"))
    assert (seen.limits, seen.inner()) == ({"encrypted"}, {})


def test_what_is_cut_off_is_damaged_and_what_came_before_is_seen():
    noise = random.Random(1).randbytes(70_000)
    for whole in (gzip.compress(b"a" * 70_000 + noise), tarred({"a": b"1" * 700, "b": b"2" * 5000})):
        seen = Seen(whole[: len(whole) * 2 // 3])
        assert seen.limits == {"damaged"}
        assert len(seen.files) > 1


def test_a_checksum_that_does_not_hold_is_damage_and_the_content_is_seen():
    content = bytearray(zipped({"a": b"payload"}, zipfile.ZIP_STORED))
    content[content.find(b"payload")] ^= 1
    seen = Seen(bytes(content))
    assert (seen.limits, list(seen.inner().values())) == ({"damaged"}, [b"qayload"])


BOMBS = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zstd": zstandard.compress,
         "zip": lambda c: zipped({"zeros": c}),
         "zip-bz2": lambda c: zipped({"zeros": c}, zipfile.ZIP_BZIP2),
         "zip-lzma": lambda c: zipped({"zeros": c}, zipfile.ZIP_LZMA),
         "tar.gz": lambda c: gzip.compress(tarred({"zeros": c}))}  # fmt: skip


@pytest.mark.parametrize("form", BOMBS)
def test_a_bomb_gives_at_most_the_limit_and_a_chunk(form):
    seen = Seen(BOMBS[form](bytes(12 * MB)))
    assert seen.limits & {"ratio", "bytes"}
    assert 0 < seen.budget.out <= SMALL.out + CHUNK


def test_many_bombs_share_one_limit():
    seen = Seen(zipped({f"z{i}": random.Random(i).randbytes(700_000) for i in range(6)}, zipfile.ZIP_DEFLATED))
    assert seen.limits == {"bytes"}
    assert seen.budget.out <= SMALL.out + CHUNK


def test_a_bomb_beside_a_file_hides_nothing_that_came_before_and_its_own_start_is_seen():
    seen = Seen(zipped({"evil.py": b"import os", "zeros": bytes(12 * MB)}))
    assert seen.inner()["evil.py"] == b"import os"
    assert len(seen.inner()["zeros"]) >= SMALL.ratio_from - CHUNK


def test_a_ratio_that_is_hit_stops_one_member_and_not_the_next():
    seen = Seen(zipped({"zeros": bytes(12 * MB), "evil.py": b"import os"}))
    assert seen.limits == {"ratio"}
    assert seen.inner()["evil.py"] == b"import os"


def test_nesting_ends_at_its_depth():
    content = b"core"
    for i in range(6):
        content = zipped({f"l{i}.zip": content})
    seen = Seen(content)
    assert seen.limits == {"depth"}
    assert max(p.count("!/") for p in seen.files) == SMALL.depth


def test_too_many_members_are_a_limit():
    seen = Seen(zipped({f"f{i}": b"" for i in range(SMALL.members + 50)}, zipfile.ZIP_STORED))
    assert seen.limits == {"members"}


def test_metadata_counts_too():
    long = tarred({"a" * 70_000: b"x"})
    assert Seen(long).limits == {"metadata"}


def test_time_that_is_over_ends_it():
    now = iter(range(10_000))
    budget = Budget(Profile("package", seconds=3.0), lambda: float(next(now)))
    content = memoryview(zipped({f"{i}": b"x" * 99 for i in range(50)}))
    with tempfile.TemporaryFile() as f:
        Unpacker(budget, Spool(f.fileno(), MB), lambda n: "").run(content, "x")
    assert {x.name for x in budget.limits} == {"time"}


def test_a_large_member_goes_through_the_spool_and_comes_back_whole():
    a, b = (random.Random(i).randbytes(1_300_000) for i in range(2))
    profile = Profile("package", held=MB, spool=4 * MB)
    seen = Seen(zipped({"a": a, "in.zip": zipped({"b": b})}), profile=profile)
    assert seen.files["x!/a"] == a
    assert seen.files["x!/in.zip!/b"] == b
    assert Seen(zipped({"a": a}), profile=profile, spool=False).limits == {"bytes"}


@pytest.mark.parametrize("magic", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x01\x00", b"MSCF"])
def test_the_head_of_an_archive_alone_is_damage(magic):
    assert Seen(magic + bytes(100)).limits == {"damaged"}


SAMPLES = (zipped(MEMBERS), tarred(MEMBERS), gzip.compress(tarred(MEMBERS)), lzma.compress(b"x" * 999),
           bz2.compress(b"y" * 999))  # fmt: skip
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SAMPLES), CHANGES, st.integers(0, 400))
def test_bytes_that_are_changed_and_cut_are_never_an_error(content, changes, cut):
    spoiled = bytearray(content)
    for at, value in changes:
        spoiled[at % len(spoiled)] = value
    seen = Seen(bytes(spoiled[: max(1, len(spoiled) - cut)]))
    assert "x" in seen.files
    assert seen.budget.out <= SMALL.out + CHUNK


def test_the_profiles_are_what_the_wording_of_limits_speaks_of():
    assert PROFILES["package"].out < PROFILES["image"].out
