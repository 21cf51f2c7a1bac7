"""The language of errors follows Accept-Language."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from api.problems import TEXT, language


@pytest.mark.parametrize(
    ("asked", "found"),
    [("zh", 1), ("en", 0), ("zh-CN,zh;q=0.9,en;q=0.8", 1), ("en-GB,zh;q=0.5", 0), ("de, zh;q=0.3", 1), ("fr", 0),
     ("", 0), ("zh;q=x,en", 0), ("en;q=0.1,zh;q=0.2", 1)],
)  # fmt: skip
def test_the_language_with_most_weight_is_taken(asked, found):
    assert language(Headers({"accept-language": asked})) == found


def test_every_problem_reads_in_both_languages():
    assert TEXT
    for en, zh in TEXT.values():
        assert en.isascii()
        assert not zh.isascii()
