"""Addresses, names and passwords that people may choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_auth.accounts.domain import LastOperatorMustStay, erase_operator
from stoa_auth.accounts.passwords import new_password
from stoa_auth.people.addresses import email, name


@pytest.mark.parametrize("text", ["ada@example.org", "  ADA@Example.ORG ", "Ada@EXAMPLE.org"])
def test_one_address_has_one_spelling(text: str) -> None:
    assert email(text) == "ada@example.org"


@pytest.mark.parametrize("text", ["ada@corp", "operator@stoa.local", "ada@stoa.test", "ada+learner@example.org"])
def test_addresses_inside_a_network_are_fine(text: str) -> None:
    assert email(text) == text


@pytest.mark.parametrize("text", ["", "ada", "@example.org", "ada@", "a b@example.org", "ada@exa\x00mple.org"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        email(text)


@given(st.emails())
def test_spelling_an_address_twice_changes_nothing(text: str) -> None:
    assert email(email(text)) == email(text)


@given(st.text())
def test_text_without_an_at_sign_is_always_refused_politely(text: str) -> None:
    with pytest.raises(ValueError, match=r"^This is not an e-mail address\."):
        email(text.replace("@", ""))


@pytest.mark.parametrize("text", ["", "   ", "x" * 201, "a\nb", "a\x00b"])
def test_a_name_without_letters_or_with_line_breaks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="1 to 200 characters"):
        name(text)


def test_spaces_around_a_name_go_away() -> None:
    assert name("  Ada Lovelace ") == "Ada Lovelace"


@pytest.mark.parametrize("length", [10, 128])
def test_a_password_of_ten_to_128_characters_is_taken(length: int) -> None:
    assert new_password("p" * length) == "p" * length


@pytest.mark.parametrize("text", ["", "ninechars", "p" * 129])
def test_a_password_too_short_or_long_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="10 to 128 characters") as refusal:
        new_password(text)

    assert not text or text not in str(refusal.value)


def test_a_password_with_half_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="arrived broken"):
        new_password("half a \ud83d character")


def test_the_only_operator_stays() -> None:
    with pytest.raises(LastOperatorMustStay):
        erase_operator(operators=1)

    erase_operator(operators=2)
