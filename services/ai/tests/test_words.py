import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_ai.passages.words import MAX_LENGTH, count_words, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Tides, the tide's", ["the", "tide", "the", "tide", "s"]),
        ("queries classes gas", ["query", "classe", "gas"]),
        ("status pass", ["status", "pass"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("ﬁve ５", ["five", "5"]),
        ("snake_case __init__", ["snake_case", "init"]),
        ("東京都", ["東京", "京都"]),
        ("...", []),
    ],
)
def test_words_are_folded_and_plurals_meet_their_singulars(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text())
def test_any_text_has_words_that_an_index_can_keep(text: str) -> None:
    assert all(0 < len(word) <= MAX_LENGTH and "\x00" not in word for word in words(text))


def test_words_are_counted() -> None:
    assert count_words("tide and tides") == {"tide": 2, "and": 1}
