"""Events as JSON."""

from __future__ import annotations

import ipaddress

import msgspec
import numpy as np
import pytest

from fengsui.batch import Identity, build
from fengsui.finding import Conclusion, Detection, Rule, added, to_batch
from fengsui.jsonform import ip_text, lines, objects, time_text
from fengsui.schema import DNS, FLOW
from tests.conftest import DAY, address


def mapped(text: str) -> bytes:
    a = ipaddress.ip_address(text)
    return a.packed if a.version == 6 else bytes(10) + b"\xff\xff" + a.packed


@pytest.mark.parametrize("text", ["192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "::1",
                                  "2001:db8:0:1:1:1:1:1", "2001:db8::1:0:0:1", "fe80::ff:0:0:1"])  # fmt: skip
def test_addresses_are_written_in_their_shortest_form_and_mapped_ones_as_ipv4(text: str):
    assert ip_text(mapped(text)) == text


def test_times_are_rfc_3339_with_every_microsecond():
    assert time_text(DAY) == "2023-11-15T00:00:00.000000Z"
    assert time_text(DAY + 123_457) == "2023-11-15T00:00:00.123457Z"
    assert time_text(0) == "1970-01-01T00:00:00.000000Z"
    assert time_text(253_402_300_799_999_999) == "9999-12-31T23:59:59.999999Z"


def test_lists_of_times_keep_every_microsecond():
    hours = {DAY + us: 1 for us in (1, 3, 123_457, 999_999)}
    found = Conclusion("host:192.0.2.1", 3, 50, {}, {}, DAY, DAY, hours)
    (got,) = objects(to_batch([added(Detection(Rule("r", "1", "a/b"), "o", "n", found), "d")]))
    assert got["hours"] == [time_text(h) for h in hours]


def test_absent_values_are_left_out_and_zero_and_false_are_not():
    columns = {"ts": np.array([DAY]), "src_ip": [address(1)], "query": ["a.example"], "trans_id": [0]}
    (got,) = objects(build(DNS, Identity(), columns, 1))
    assert not {"rtt", "answers", "ttls", "rcode", "community_id"} & set(got)
    assert (got["trans_id"], got["aa"], got["qclass"]) == (0, False, 0)
    assert (got["kind"], got["src_ip"], got["query"]) == ("dns", "10.0.0.1", "a.example")
    assert next(iter(got)) == "kind"


def test_each_row_is_a_line_of_json_whatever_its_text_holds():
    names = ["a\nb", 'q"uote', "nul\0", "好", "\u2028"]
    raw = lines(build(DNS, Identity(), {"query": names}, len(names)))
    assert [msgspec.json.decode(line)["query"] for line in raw.splitlines()] == names
    assert raw.count(b"\n") == len(names)


def test_no_rows_are_no_lines():
    assert lines(build(FLOW, Identity(), {}, 0)) == b""
