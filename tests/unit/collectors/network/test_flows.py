"""Flow rows have Zeek's meaning: who opened it, how it ended, what went over it, when it is over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from collectors.network import layout
from collectors.network.capture import Capture
from collectors.network.decode import Decoder
from fengsui.batch import Identity
from tests.unit.collectors.network.craft import (
    ACK,
    FIN,
    PSH,
    RST,
    SMALL,
    START,
    SYN,
    A,
    B,
    Talk,
    ether,
    flow,
    flows,
    ip,
    pcap,
    udp,
)  # fmt: skip


def test_a_connection_that_opens_talks_and_closes_is_sf(tmp_path: Path) -> None:
    talk = Talk().open().c(PSH | ACK, b"x" * 10).s(PSH | ACK, b"y" * 200).close()
    f = flow(talk.packets, tmp_path)
    assert (f["conn_state"], f["history"]) == ("SF", "ShADdFf")
    assert (f["orig_bytes"], f["resp_bytes"], f["orig_pkts"], f["resp_pkts"]) == (10, 200, 5, 3)
    assert (f["orig_ip_bytes"], f["resp_ip_bytes"]) == (5 * 40 + 10, 3 * 40 + 200)
    assert f["proto"] == "tcp"
    assert f["duration"] == pytest.approx(0.06)  # up to the second FIN; the last ACK adds nothing


@pytest.mark.parametrize(
    ("packets", "state", "history"),
    [
        (Talk().c(SYN), "S0", "S"),
        (Talk().c(SYN).s(RST | ACK), "REJ", "Sr"),
        (Talk().open(), "S1", "ShA"),
        (Talk().open().c(FIN | ACK).s(ACK), "S2", "ShAFa"),
        (Talk().open().s(FIN | ACK).c(ACK), "S3", "ShAf"),
        (Talk().open().c(RST | ACK), "RSTO", "ShAR"),
        (Talk().open().s(RST | ACK), "RSTR", "ShAr"),
        (Talk().c(SYN).c(RST), "RSTOS0", "SR"),
        (Talk().c(SYN).c(FIN | ACK), "SH", "SF"),
        (Talk(dport=9999).c(ACK, b"x").s(ACK, b"y"), "OTH", "Dd"),
        (Talk().s(SYN | ACK).s(RST), "RSTRH", "^hr"),
        (Talk().s(SYN | ACK).s(FIN | ACK), "SHR", "^hf"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)  # fmt: skip
def test_each_way_to_end_has_its_state(packets: Talk, state: str, history: str, tmp_path: Path) -> None:
    f = flow(packets.packets, tmp_path)
    assert (f["conn_state"], f["history"]) == (state, history)


def test_an_answer_seen_first_is_turned_round_when_its_port_is_a_servers(tmp_path: Path) -> None:
    f = flow(Talk().s(SYN | ACK).c(ACK).packets, tmp_path)
    assert (f["src_port"], f["dst_port"], f["history"]) == (40000, 80, "^hA")


def test_a_syn_seen_after_its_answer_turns_the_connection_round(tmp_path: Path) -> None:
    talk = Talk(dport=9999).open()
    talk.packets[0], talk.packets[1] = talk.packets[1], talk.packets[0]
    f = flow([(START + i / 100, p) for i, (_, p) in enumerate(talk.packets)], tmp_path)
    assert (f["src_port"], f["dst_port"], f["conn_state"]) == (40000, 9999, "S1")
    assert f["history"] == "Hs^A"
    assert (f["orig_pkts"], f["resp_pkts"]) == (2, 1)


def test_a_datagram_from_a_server_port_is_an_answer(tmp_path: Path) -> None:
    f = flow([(START, ether(ip(B, A, 17, udp(53, 40000, b"abc"))))], tmp_path)
    assert (f["src_port"], f["dst_port"], f["conn_state"], f["history"]) == (40000, 53, "SHR", "^d")
    assert (f["orig_bytes"], f["resp_bytes"], f["duration"]) == (0, 3, None)


def test_repeated_data_is_a_retransmission_and_counts_once(tmp_path: Path) -> None:
    talk = Talk().open().c(PSH | ACK, b"hello").c(PSH | ACK, b"hello", shift=-5).s(ACK).close()
    f = flow(talk.packets, tmp_path)
    assert f["orig_bytes"] == 5
    assert "T" in f["history"]
    assert f["orig_pkts"] == 6


def test_the_letter_for_retransmissions_comes_again_at_ten_and_a_hundred(tmp_path: Path) -> None:
    talk = Talk().open().c(PSH | ACK, b"hello")
    for _ in range(99):
        talk.c(PSH | ACK, b"hello", shift=-5)
    assert flow(talk.packets, tmp_path)["history"].count("T") == 2
    talk.c(PSH | ACK, b"hello", shift=-5)
    assert flow(talk.packets, tmp_path)["history"].count("T") == 3


def test_a_window_of_zero_leaves_a_letter(tmp_path: Path) -> None:
    assert flow(Talk().open().c(ACK, window=0).packets, tmp_path)["history"] == "ShAW"


def test_acknowledged_bytes_that_the_capture_lacks_are_missed(tmp_path: Path) -> None:
    talk = Talk().open().s(PSH | ACK, b"a" * 100).lose(1, 500).s(PSH | ACK, b"b" * 100).c(ACK).close()
    f = flow(talk.packets, tmp_path)
    assert (f["resp_bytes"], f["missed_bytes"]) == (700, 500)
    assert "g" in f["history"]


def test_segments_out_of_order_are_not_missed(tmp_path: Path) -> None:
    talk = Talk().open().s(PSH | ACK, b"a" * 100).s(PSH | ACK, b"b" * 100).c(ACK)
    talk.packets[3], talk.packets[4] = talk.packets[4], talk.packets[3]
    f = flow([(START + i / 100, p) for i, (_, p) in enumerate(talk.packets)], tmp_path)
    assert (f["resp_bytes"], f["missed_bytes"]) == (200, 0)


def test_sequence_numbers_may_wrap(tmp_path: Path) -> None:
    talk = Talk()
    talk.seq = [2**32 - 50, 2**32 - 3000]
    talk.open().c(PSH | ACK, b"x" * 200)
    for _ in range(5):
        talk.s(PSH | ACK, b"y" * 1000).c(ACK)
    f = flow(talk.close().packets, tmp_path)
    assert (f["orig_bytes"], f["resp_bytes"], f["missed_bytes"], f["conn_state"]) == (200, 5000, 0, "SF")


def test_another_syn_of_the_same_endpoints_begins_another_flow(tmp_path: Path) -> None:
    first = Talk().open().close()
    second = Talk(at=START + 1)
    second.seq = [90000, 70000]
    found = flows(first.packets + second.open().close().packets, tmp_path)
    assert [f["conn_state"] for f in found] == ["SF", "SF"]
    assert found[0]["uid"] != found[1]["uid"]
    assert found[0]["community_id"] == found[1]["community_id"]


def test_an_attempt_without_an_answer_is_over_after_five_seconds(tmp_path: Path) -> None:
    again = Talk(at=START + 6).c(SYN).packets
    assert [f["conn_state"] for f in flows(Talk().c(SYN).packets + again, tmp_path)] == ["S0", "S0"]
    again = Talk(at=START + 4).c(SYN).packets
    assert [f["orig_pkts"] for f in flows(Talk().c(SYN).packets + again, tmp_path)] == [2]


@pytest.mark.parametrize(("pause", "count"), [(59.0, 1), (61.0, 2)])
def test_a_minute_of_silence_ends_an_exchange_of_datagrams(pause: float, count: int, tmp_path: Path) -> None:
    frame = ether(ip(A, B, 17, udp(40000, 9999, b"abc")))
    assert len(flows([(START, frame), (START + pause, frame)], tmp_path)) == count


@pytest.mark.parametrize(("pause", "count"), [(299.0, 1), (301.0, 2)])
def test_five_minutes_of_silence_end_an_established_connection(pause: float, count: int, tmp_path: Path) -> None:
    talk = Talk().open()
    talk.now += pause
    assert len(flows(talk.c(PSH | ACK, b"x").packets, tmp_path)) == count


def test_pings_and_their_answers_are_one_flow(tmp_path: Path) -> None:
    ask, answer = b"\x08\x00" + bytes(6) + b"x" * 56, b"\x00\x00" + bytes(6) + b"x" * 56
    packets = [(START, ether(ip(A, B, 1, ask))), (START + 1, ether(ip(B, A, 1, answer)))]
    f = flow(packets, tmp_path)
    assert (f["proto"], f["src_port"], f["dst_port"]) == ("icmp", 8, 0)
    assert (f["orig_bytes"], f["resp_bytes"], f["conn_state"], f["history"]) == (56, 56, "OTH", "")


def test_unreachable_messages_are_not_paired(tmp_path: Path) -> None:
    body = b"\x03\x01" + bytes(6) + b"x" * 28
    packets = [(START, ether(ip(A, B, 1, body))), (START + 1, ether(ip(B, A, 1, body)))]
    assert [(f["src_port"], f["dst_port"]) for f in flows(packets, tmp_path)] == [(3, 1), (3, 1)]


def test_a_flow_that_stays_open_is_reported_each_hour_and_stays_one_flow(tmp_path: Path) -> None:
    talk = Talk().open()
    for _ in range(40):  # every four minutes
        talk.now += 240
        talk.c(PSH | ACK, b"x")
    found = flows(talk.packets, tmp_path)
    assert [f["open"] for f in found] == [False, True, True]
    assert len({f["uid"] for f in found}) == 1
    assert len({f["event_id"] for f in found}) == 3
    assert sorted(f["orig_bytes"] for f in found) == [14, 29, 40]


def test_a_full_table_gives_up_the_oldest_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "many.pcap"
    path.write_bytes(pcap((START + i / 1000, ether(ip(A, B, 17, udp(1024 + i, 9999, b"x")))) for i in range(100)))
    decoder = Decoder(Identity(), replace(SMALL, flows=16), keep=lambda sha256, data: True)
    with Capture(path, 1 << 16, 1 << 20) as capture:
        found = [r for b in decoder.run(capture) for r in b.rows.to_pylist()]
    assert len(found) == len({r["uid"] for r in found}) == 100
    assert decoder.counts.evicted_flows == 84
    assert decoder.table.counters[layout.LIVE] == 0


def test_flows_evicted_at_the_same_instant_keep_ids_of_their_own(tmp_path: Path) -> None:
    frames = [ether(ip(A, B, 17, udp(1024 + i % 40, 9999, b"x"))) for i in range(200)]
    found = flows([(START, f) for f in frames], tmp_path, replace(SMALL, flows=16))
    assert len(found) > 40
    assert len({f["event_id"] for f in found}) == len(found)
    assert sum(f["orig_pkts"] for f in found) == 200


def test_vlans_tell_flows_apart_only_when_asked(tmp_path: Path) -> None:
    body = ip(A, B, 17, udp(40000, 9999, b"x"))
    packets = [(START, ether(body, [10])), (START + 1, ether(body, [20]))]
    assert [(f["vlan"], f["orig_pkts"]) for f in flows(packets, tmp_path)] == [(10, 2)]
    apart = flows(packets, tmp_path, replace(SMALL, vlan_in_key=True))
    assert [(f["vlan"], f["orig_pkts"]) for f in apart] == [(10, 1), (20, 1)]


def test_a_wrong_checksum_counts_for_nothing_when_checked(tmp_path: Path) -> None:
    body = udp(40000, 9999, b"x")[:6] + b"\x12\x34x"
    f = flow([(START, ether(ip(A, B, 17, body)))], tmp_path, replace(SMALL, checksums="check"))
    assert (f["history"], f["orig_pkts"], f["conn_state"]) == ("C", 0, "OTH")
    assert flow([(START, ether(ip(A, B, 17, body)))], tmp_path)["orig_pkts"] == 1
