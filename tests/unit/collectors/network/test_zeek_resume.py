"""A log cut anywhere, rotated, compressed or damaged: the same rows with the same identities, each once."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pyarrow as pa
import pytest

from collectors.network import zeek
from collectors.network.zeek import LogReader, log_origin, read_log
from fengsui.batch import Identity
from fengsui.errors import BadInput

HEAD = b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
FIELDS = b"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\ttrans_id\tquery\tanswers\n"
WHO = Identity(org="org-1", network="lan", sensor="made", origin="o")


def line(i: int) -> bytes:
    return f"1714521600.{i:06d}\tC{i}\t192.0.2.1\t5353\t192.0.2.53\t53\tudp\t{i}\tn{i}.example\ta,b\n".encode()


# Equal lines (3), a bad one, Windows line ends and an empty line.
LINES = [line(1), line(2), line(2), b"bad\n", line(3).replace(b"\n", b"\r\n"), b"\n", line(2), line(4)]
TEXT = HEAD + FIELDS + b"".join(LINES) + b"#close\t2024\n"
ROW = b'{"ts":%d.5,"uid":"C1","id.orig_h":"192.0.2.1","id.resp_h":"192.0.2.53","query":"q"}\n'
JSON = b"".join(ROW % (i % 3) for i in range(7))


def all_rows(chunks: list[zeek.Chunk]) -> list[dict[str, object]]:
    return [r for c in chunks for r in c.batch.rows.to_pylist()]


def read(path: Path, start: int = 0, *, final: bool = False) -> list[zeek.Chunk]:
    return list(read_log(path, WHO, start=start, final=final))


@pytest.mark.parametrize("text", [TEXT, JSON], ids=["tsv", "json"])
def test_cut_at_any_byte_a_log_gives_the_same_rows(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "dns.log"
    path.write_bytes(text)
    whole = read(path)
    expected, bad = all_rows(whole), [(b.at, b.raw) for c in whole for b in c.bad]
    assert len(expected) >= 6
    assert len({r["event_id"] for r in expected}) == len(expected)
    for at in range(len(text)):
        path.write_bytes(text[:at])
        before = read(path)
        mark = before[-1].end if before else 0
        path.write_bytes(text)
        after = read(path, mark)
        assert all_rows(before) + all_rows(after) == expected, at
        assert [(b.at, b.raw) for c in before + after for b in c.bad] == bad, at


def test_a_reader_goes_on_where_the_file_has_grown(tmp_path: Path) -> None:
    path = tmp_path / "dns.log"
    for text in (TEXT, TEXT[len(HEAD + FIELDS) :], JSON):
        path.write_bytes(text)
        (tmp_path / "dns.00.log").write_bytes(HEAD + FIELDS)
        expected = all_rows(read(path))
        path.write_bytes(b"")
        reader, got = LogReader(path, WHO), []
        for at in range(len(text) + 1):
            path.write_bytes(text[:at])
            got += all_rows(list(reader.read()))
        assert got == expected and len(got) >= 6


def test_a_chunk_ends_at_a_whole_line_and_every_chunk_can_be_resumed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                         ) -> None:  # fmt: skip
    path = tmp_path / "dns.log"
    path.write_bytes(TEXT)
    expected = all_rows(read(path))
    monkeypatch.setattr(zeek, "CHUNK_LINES", 2)
    chunks = read(path)
    assert len(chunks) >= 4
    assert all_rows(chunks) == expected
    for i, chunk in enumerate(chunks):
        assert TEXT[chunk.end - 1 : chunk.end] == b"\n"
        assert all_rows(read(path, chunk.end)) == all_rows(chunks[i + 1 :])


def test_rotation_and_compression_keep_origin_and_identities(tmp_path: Path) -> None:
    path = tmp_path / "dns.log"
    path.write_bytes(TEXT)
    origin, expected = log_origin(path), all_rows(read(path))
    mark = read(path)[0].end
    rotated = tmp_path / "dns.00:00:00-01:00:00.log"
    path.rename(rotated)
    packed = tmp_path / "dns.00:00:00-01:00:00.log.gz"
    half = len(TEXT) // 2
    packed.write_bytes(gzip.compress(TEXT[:half]) + gzip.compress(TEXT[half:]))  # two members, as appended
    zstd = tmp_path / "dns.log.zst"
    zstd.write_bytes(pa.Codec("zstd").compress(TEXT).to_pybytes())
    for other in (rotated, packed, zstd):
        assert log_origin(other) == origin
        assert all_rows(read(other)) == expected
        assert all_rows(read(other, mark)) == []
    assert all_rows(read(packed, len(HEAD + FIELDS + line(1) + line(2)))) == expected[2:]


def test_a_damaged_gzip_gives_what_is_before_the_damage_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "dns.log.gz"
    lines = b"".join(line(i) for i in range(20_000))
    packed = gzip.compress(HEAD + FIELDS + lines)
    path.write_bytes(packed[: len(packed) // 2])
    chunks = list(read_log(path, WHO, final=True))
    [fault] = [b for c in chunks for b in c.bad]
    assert fault.reason == "the gzip data ends early" and fault.place == str(path)
    got = all_rows(chunks)
    assert 1_000 < len(got) < 20_000
    assert [r["trans_id"] for r in got] == list(range(len(got)))
    spoilt = bytearray(packed)
    spoilt[len(packed) // 2] ^= 0xFF
    path.write_bytes(bytes(spoilt))
    assert [b.reason[:17] for c in read_log(path, WHO, final=True) for b in c.bad][-1:] == ["damaged gzip data"]


def test_a_last_line_without_end_waits_unless_the_log_is_final(tmp_path: Path) -> None:
    path = tmp_path / "dns.log"
    path.write_bytes(HEAD + FIELDS + line(1) + line(2).rstrip(b"\n"))
    assert len(all_rows(read(path))) == 1
    final = read(path, final=True)
    assert len(all_rows(final)) == 2
    assert final[-1].end == path.stat().st_size


def test_a_last_line_read_without_its_end_is_read_once_whatever_follows(tmp_path: Path) -> None:
    path = tmp_path / "dns.log"
    start = HEAD + FIELDS + line(1) + line(2).rstrip(b"\n")
    path.write_bytes(start)
    expected = all_rows(read(path, final=True))
    assert len(expected) == 2
    for more, fault in ((b"", []), (b"\n", []), (b"\r\n", []), (b",c\n", [b",c"])):
        path.write_bytes(start)
        reader = LogReader(path, WHO)
        assert all_rows(list(reader.read(final=True))) == expected
        path.write_bytes(start + more + line(2) * bool(more))
        for chunks in (list(reader.read()), read(path, len(start))):
            assert [r["trans_id"] for r in all_rows(chunks)] == [2] * bool(more)
            assert not more or all_rows(chunks)[0]["event_id"] not in {r["event_id"] for r in expected}
            assert [b.raw for c in chunks for b in c.bad] == fault
            assert [b.at for c in chunks for b in c.bad] == [8] * len(fault)
            assert not more or chunks[-1].end == path.stat().st_size


def test_of_a_line_that_goes_on_and_on_nothing_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "dns.log"
    start = HEAD + FIELDS + line(1) + line(2).rstrip(b"\n")
    path.write_bytes(start)
    reader = LogReader(path, WHO)
    list(reader.read(final=True))
    for more in (b"x" * 10, b"y" * 10, b"z\n" + line(3)):
        path.write_bytes(path.read_bytes() + more)
        chunks = list(reader.read())
        assert [b.raw for c in chunks for b in c.bad] == [more.split(b"\n")[0]]
    assert [r["trans_id"] for r in all_rows(chunks)] == [3]


def test_a_start_past_the_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dns.log"
    path.write_bytes(TEXT)
    with pytest.raises(BadInput, match=f"byte {len(TEXT) + 1} is behind its end"):
        read(path, len(TEXT) + 1)


def test_equal_lines_are_told_apart_only_when_near(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.network.zeek_near.NEAR", 3 * len(line(2)))
    path = tmp_path / "dns.log"
    far = [line(2), line(2), *(line(i) for i in range(3, 8)), line(2)]
    path.write_bytes(HEAD + FIELDS + b"".join(far))
    ids = [r["event_id"] for r in all_rows(read(path))]
    assert ids[0] != ids[1] and ids[7] == ids[0]
    monkeypatch.setattr(zeek, "CHUNK_LINES", 1)
    assert [r["event_id"] for r in all_rows(read(path))] == ids


def test_an_overlong_line_is_reported_and_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zeek, "LINE", 1000)
    monkeypatch.setattr(zeek, "CHUNK_BYTES", 1)
    monkeypatch.setattr("collectors.network.zeek_files.BLOCK", 300)
    path = tmp_path / "dns.log"
    path.write_bytes(HEAD + FIELDS + line(1) + b"x" * 5000 + b"\n" + line(2))
    chunks = read(path)
    assert [r["trans_id"] for r in all_rows(chunks)] == [1, 2]
    [fault] = [b for c in chunks for b in c.bad]
    assert fault.at == 8 and "longer than 1000 bytes" in fault.reason
    assert chunks[-1].end == path.stat().st_size


def test_many_equal_lines_are_all_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "dns.log"
    path.write_bytes(HEAD + FIELDS + line(1) * 60_000)
    ids = [i for c in read(path) for i in c.batch.column("event_id").to_pylist()]
    assert len(set(ids)) == len(ids) == 60_000


def test_hostile_bytes_give_rows_or_faults_and_nothing_else(tmp_path: Path) -> None:
    chance = random.Random(3)
    pieces = [b"\t", b"\n", b"\\", b"\\x", b'"', b"{", b"}", b"[1 2 3", b"]", b",", b":", b"#", b"#fields\t",
              b"9" * 30, b"#separator \\x2c\n", b"#set_separator\t\n", b"1e400", b"\\ud800", b"null", b"\xff", b"\0",
              b"::"]  # fmt: skip
    path = tmp_path / "dns.log"
    kept = faults = refused = 0
    for i in range(300):
        text = bytearray(JSON if i % 2 else TEXT)
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(text))
            text[at : at + chance.randrange(3)] = chance.choice(pieces)
        path.write_bytes(text)
        try:
            for chunk in read(path, final=True):
                chunk.batch.rows.validate(full=True)
                kept, faults = kept + len(chunk.batch), faults + len(chunk.bad)
        except BadInput as e:
            assert e.reason
            refused += 1
    assert kept > 300 and faults > 300 and refused
