"""How API keys are written, and what is no key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_common import api_keys

KEY = api_keys.new_key()
LETTERS = st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")


def test_a_new_key_shows_its_prefix_and_is_found_by_scanners() -> None:
    key = api_keys.new_key()

    assert key == f"stoa_{api_keys.find_prefix(key)}_{key.rsplit('_', 1)[1]}"
    assert len(key) == api_keys.LENGTH
    assert re.findall(api_keys.PATTERN, f"KEY={key};") == [key]


def test_no_key_is_made_twice() -> None:
    assert len({api_keys.new_key() for _ in range(200)}) == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stoa_",
        KEY[:-1],
        KEY[:40],
        KEY + "0",
        KEY + "\n",
        f" {KEY}",
        KEY.replace("_", " "),
        KEY.upper(),
        KEY.swapcase(),
        KEY.replace("stoa_", "Stoa_"),
        KEY.replace("stoa_", "stoa-"),
        KEY[:20] + "\x00" + KEY[21:],
        KEY[:20] + "é" + KEY[21:],
        KEY[:20] + "\u0661" + KEY[21:],
        f"{KEY}{KEY}",
    ],
)
def test_what_is_no_key_has_no_prefix(text: str) -> None:
    assert api_keys.find_prefix(text) is None


@given(place=st.integers(0, api_keys.LENGTH - 1), letter=LETTERS)
def test_one_wrong_letter_anywhere_is_noticed(place: int, letter: str) -> None:
    mistyped = KEY[:place] + letter + KEY[place + 1 :]

    assert (api_keys.find_prefix(mistyped) is not None) is (mistyped == KEY)


@given(place=st.integers(0, api_keys.LENGTH - 2))
def test_two_letters_in_the_wrong_order_are_noticed(place: int) -> None:
    swapped = KEY[:place] + KEY[place + 1] + KEY[place] + KEY[place + 2 :]

    assert (api_keys.find_prefix(swapped) is not None) is (swapped == KEY)


@given(text=st.text())
def test_any_text_is_judged_without_an_error(text: str) -> None:
    assert api_keys.find_prefix(text) is None
    assert len(api_keys.digest(text)) == 32


def test_a_mistyped_key_is_still_taken_for_a_secret() -> None:
    assert api_keys.is_meant_as_key(f" {KEY.upper()}")
    assert not api_keys.is_meant_as_key("eyJhbGciOiJFZERTQSJ9.stoa_.x")
