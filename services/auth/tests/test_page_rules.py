"""Where a log-in may lead, and which language a page speaks."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_auth.pages import domain
from stoa_auth.rendering import domain as rendering

FOREIGN = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "javascript:alert(1)",
    "evil.example",
    "http:evil.example",
    "/ok\r\nSet-Cookie: a=b",
    "/при",
    "/" + "a" * 9000,
    "",
    None,
]


@pytest.mark.parametrize("wanted", FOREIGN)
def test_a_log_in_leads_to_no_other_site(wanted: str | None) -> None:
    assert domain.destination(wanted) == domain.HOME


@pytest.mark.parametrize("wanted", ["/", "/courses?page=2#top", "/api/v1/auth/authorize?client_id=a%2Fb&scope=x"])
def test_a_path_of_ours_is_followed(wanted: str) -> None:
    assert domain.destination(wanted) == wanted


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60) | st.from_regex(r"[/\\:.\t\r\n @?#a]{1,12}"))
def test_wherever_a_log_in_leads_is_one_printable_path(wanted: str) -> None:
    led = domain.destination(wanted)

    # What browsers do before they read an address: backslashes are slashes, and what can't be printed is dropped.
    read = urlsplit("".join(c for c in led if c > " ").replace("\\", "/"))
    assert (read.scheme, read.netloc) == ("", "")
    assert led.startswith("/")
    assert led.isprintable()


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ([None, None], "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        (["en", "ru"], "ru", "en"),
        ([None, "ru"], "en", "ru"),
        (["xx", None], None, "en"),
        (["", ""], "fr;q=0.9,ru;q=0.1", "ru"),
        ([None, None], "ru;q=0,en", "en"),
    ],
)
def test_a_choice_counts_before_what_the_browser_likes(
    chosen: list[str | None], accepted: str | None, language: str
) -> None:
    assert rendering.language(chosen, accepted) == language


def test_a_page_without_a_script_runs_none_and_a_form_may_lead_to_a_client() -> None:
    policy = rendering.policy(has_script=False, leads_to=["https://client.example"])

    assert "default-src 'none'" in policy
    assert "script-src 'none'" in policy
    assert "form-action 'self' https://client.example" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
