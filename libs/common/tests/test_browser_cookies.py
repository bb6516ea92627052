"""Cookies of browsers: what a form's token is worth, which page asked, and what a service never sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_common import browser_cookies
from stoa_common.browser_cookies import SESSION_COOKIE, VISIT_COOKIE, Origins

TEXT = browser_cookies.new_text()
OWN = Origins(own="https://stoa.example", others=frozenset({"https://app.example"}))
UNNAMED = Origins(others=frozenset({"https://app.example"}))


def test_a_token_counts_for_its_browser_alone() -> None:
    token = browser_cookies.csrf_token(TEXT)

    assert browser_cookies.is_csrf_token(token, TEXT)
    assert not browser_cookies.is_csrf_token(token, browser_cookies.new_text())
    assert browser_cookies.csrf_token(TEXT) != token


@given(st.text(max_size=100), st.integers(0, 86), st.characters())
def test_a_token_that_was_changed_counts_for_nobody(made_up: str, at: int, other: str) -> None:
    token = browser_cookies.csrf_token(TEXT)
    changed = token[:at] + other + token[at + 1 :]

    assert not browser_cookies.is_csrf_token(made_up, TEXT)
    assert changed == token or not browser_cookies.is_csrf_token(changed, TEXT)


def test_a_token_tells_nothing_of_the_cookie() -> None:
    assert TEXT not in browser_cookies.csrf_token(TEXT)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Stoa.example/a?b", "https://stoa.example"),
        ("https://stoa.example:443", "https://stoa.example"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("stoa.example", ""),
        ("", ""),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert browser_cookies.origin_of(url) == origin


@pytest.mark.parametrize(
    ("origins", "origin", "is_ours"),
    [
        (OWN, "https://stoa.example", True),
        (OWN, "https://app.example", True),
        (OWN, "http://stoa.example", False),
        (OWN, "https://stoa.example.evil.example", False),
        (OWN, "https://sub.stoa.example", False),
        (OWN, "https://stoa.example:444", False),
        (OWN, "null", False),
        (OWN, "", False),
        (UNNAMED, "https://host.example", True),
        (UNNAMED, "http://host.example", True),
        (UNNAMED, "https://app.example", True),
        (UNNAMED, "https://host.example:8443", False),
        (UNNAMED, "https://evil.example", False),
        (UNNAMED, "null", False),
        (UNNAMED, "", False),
        (UNNAMED, "https://host.example@evil.example", False),
    ],
)
def test_a_page_of_ours_is_known_by_its_origin(origins: Origins, origin: str, is_ours: bool) -> None:
    assert origins.has(origin, host="host.example") is is_ours
    assert origins.made(origin, "same-origin", host="host.example") is is_ours


@pytest.mark.parametrize(
    ("site", "is_ours"), [("same-origin", True), ("same-site", False), ("cross-site", False), ("none", False)]
)
def test_without_an_origin_the_browser_says_whether_it_was_the_same(site: str, is_ours: bool) -> None:
    assert OWN.made(None, site, host="stoa.example") is is_ours
    assert OWN.made(None, None, host="stoa.example") is False


def test_no_host_is_nobodys_origin() -> None:
    assert not UNNAMED.has("", host="")
    assert not UNNAMED.has("null", host="")


def test_a_cookie_is_found_among_others() -> None:
    assert browser_cookies.find([f"a=b; {SESSION_COOKIE}={TEXT}; c"], SESSION_COOKIE) == TEXT
    assert browser_cookies.find([f"{VISIT_COOKIE}={TEXT}"], SESSION_COOKIE) is None
    assert browser_cookies.find([], SESSION_COOKIE) is None


@pytest.mark.parametrize(
    "headers",
    [
        [f"{SESSION_COOKIE}={TEXT}; {SESSION_COOKIE}={TEXT}"],
        [f"{SESSION_COOKIE}={TEXT}", f"{SESSION_COOKIE}={TEXT}"],
        [f"{SESSION_COOKIE}={TEXT}x"],
        [f"{SESSION_COOKIE}="],
        [f'{SESSION_COOKIE}="{TEXT}"'],
    ],
)
def test_a_cookie_that_is_not_clearly_ours_is_none(headers: list[str]) -> None:
    assert browser_cookies.find(headers, SESSION_COOKIE) is None


def test_services_see_the_cookies_of_others_alone() -> None:
    header = f"a=b; {SESSION_COOKIE}={TEXT}; {VISIT_COOKIE}={TEXT}; c=d=e"

    assert browser_cookies.without_ours(header) == "a=b; c=d=e"
    assert browser_cookies.without_ours(f"{SESSION_COOKIE}={TEXT}") == ""


@given(st.text(max_size=200))
def test_no_header_carries_ours_on(header: str) -> None:
    kept = browser_cookies.without_ours(f"{header}; {SESSION_COOKIE}={TEXT}; {header}")

    assert TEXT not in kept
