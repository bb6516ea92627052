"""For how long an answer may be kept, by what it says itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_gateway.caching.domain import Answer, is_known, lifetime
from stoa_gateway.routing.domain import CacheRule


def answer(cache_control: str, **headers: str) -> Answer:
    told = {"cache-control": cache_control, **headers}
    return Answer(200, tuple((name.encode(), value.encode()) for name, value in told.items()), b"")


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_no_cache_control_is_too_strange_to_read(text: str) -> None:
    told = Answer(200, ((b"cache-control", text.encode("latin-1")),), b"")

    found = lifetime(told, CacheRule(30.0, 60.0))

    assert found is None or (0 < found.fresh <= 30.0 and 0 <= found.while_revalidated <= 60.0)


@pytest.mark.parametrize("word", ["must-revalidate", "proxy-revalidate", "s-maxage=5"])
def test_an_answer_may_forbid_to_be_shown_stale(word: str) -> None:
    found = lifetime(answer(f"max-age=10, stale-while-revalidate=20, stale-if-error=20, {word}"), CacheRule(30.0, 60.0))

    assert found is not None
    assert (found.while_revalidated, found.on_error) == (0.0, 0.0)


def test_directives_are_read_in_any_case_and_quoted() -> None:
    found = lifetime(answer('Public, MAX-AGE="10", Stale-While-Revalidate=5'), CacheRule(30.0, 60.0))

    assert found is not None
    assert (found.fresh, found.while_revalidated) == (10.0, 5.0)


@given(st.binary(max_size=60))
def test_no_if_none_match_is_too_strange_to_read(value: bytes) -> None:
    assert is_known(answer("", etag='"one"'), [(b"if-none-match", value)]) in (True, False)
