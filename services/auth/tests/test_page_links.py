"""Where mails lead: to the pages of auth, to an app's own, or nowhere."""

import pytest

from stoa_auth.mail import texts
from stoa_auth.mail.domain import Content, Kind
from stoa_auth.settings import Settings
from stoa_common.settings import BadSettings

APP = "https://app.example.com/{action}#token={token}"


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AUTH_KEYS_SECRET", "a secret for tests, long enough for all")
    monkeypatch.delenv("STOA_PUBLIC_URL", raising=False)
    monkeypatch.delenv("AUTH_MAIL_LINK", raising=False)
    return monkeypatch


def led_to() -> str | None:
    settings = Settings.load()
    assert isinstance(settings, Settings)
    return settings.mails_lead_to


def test_mails_lead_to_the_pages_where_the_public_address_is_told(told: pytest.MonkeyPatch) -> None:
    told.setenv("STOA_PUBLIC_URL", "https://Stoa.example.com/")

    link = led_to()

    assert link == "https://stoa.example.com/api/v1/auth/pages/{action}#token={token}"
    text = texts.write(Kind.RESET, "en", Content("ada@example.org", "abc"), link=link).body
    assert "https://stoa.example.com/api/v1/auth/pages/reset-password#token=abc" in text


def test_an_apps_own_page_comes_first(told: pytest.MonkeyPatch) -> None:
    told.setenv("STOA_PUBLIC_URL", "https://stoa.example.com")
    told.setenv("AUTH_MAIL_LINK", APP)

    assert led_to() == APP


def test_without_a_public_address_mails_show_the_code() -> None:
    assert led_to() is None


@pytest.mark.parametrize("url", ["https://stoa.example.com/app", "stoa.example.com", "https://user@stoa.example.com"])
def test_a_public_address_is_scheme_and_host_alone(told: pytest.MonkeyPatch, url: str) -> None:
    told.setenv("STOA_PUBLIC_URL", url)

    with pytest.raises(BadSettings, match="scheme and host alone"):
        Settings.load()
