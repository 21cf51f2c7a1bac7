"""What code resembles."""

from __future__ import annotations

import random

from detectors.software.similar import PLACES, Sketch, clusters, resemblance


def signature(*texts: str) -> tuple[int, ...]:
    sketch = Sketch()
    for t in texts:
        sketch.add(memoryview(t.encode()))
    return sketch.signature()


def program(seed: int, lines: int = 60) -> list[str]:
    r = random.Random(seed)
    return [f"value_{r.randrange(10**6)} = call_{'abcdefgh'[r.randrange(8)]}{r.choice('xyz')}(thing_{chr(97 + i % 26)})"
            for i in range(lines)]  # fmt: skip


def test_what_a_campaign_changes_from_release_to_release_counts_for_nothing():
    one = "import os\nimport base64\nURL = 'https://a.example/0123456789abcdef'\nx = 17\ngo(x)\n"
    two = "import  os\n\nimport base64\nURL =\t'https://other.example/fedcba9876543210'\nx = 4\ngo(x)\n"
    assert signature(one) == signature(two) != ()
    assert len(signature(one)) == PLACES


def test_the_share_of_places_is_about_the_share_of_lines():
    base = [f"def name{'abcdefghijklmnopqrstuvwxyz'[i % 26]}{'qwertyuiop'[i // 26]}(): pass" for i in range(200)]
    for kept in (200, 150, 100, 50):
        other = base[:kept] + [f"class Other{'abcdefghijklmnopqrstuvwxyz'[i % 26]}{'qwertyuiop'[i // 26]}: pass"
                               for i in range(200 - kept)]  # fmt: skip
        want = kept / (400 - kept)
        assert abs(resemblance(signature("\n".join(base)), signature("\n".join(other))) - want) < 0.2


def test_order_and_division_into_files_change_nothing():
    lines = program(1)
    assert signature("\n".join(lines)) == signature("\n".join(lines[30:]), "\n".join(lines[:30]))


def test_too_little_code_resembles_nothing():
    assert signature("x = 1\n") == ()
    assert resemblance((), ()) == 0.0


def test_variants_are_a_cluster_and_what_has_no_signature_stands_alone():
    family = [signature("\n".join([*program(5), f"extra_{w} = '{w}'"])) for w in ("one", "two", "three")]
    others = [signature("\n".join(f"{'abcdefgh'[i]}_{j}_{chr(97 + j)}{i * 'z'} = other" for j in range(20)))
              for i in range(3)]  # fmt: skip
    got = clusters([family[0], others[0], family[1], (), others[1], family[2], (), others[2]])
    assert got[0] == got[2] == got[5]
    assert len(set(got)) == 6
