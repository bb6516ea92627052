"""The issuer of tokens: a URL, which is where clients reach the platform unless it is told otherwise."""

import pytest

from stoa_common.settings import BadSettings, ServiceSettings

VARIABLES = ("STOA_ISSUER", "STOA_PUBLIC_URL", "STOA_GATEWAY_PORT")


class Settings(ServiceSettings, service="sample"):
    """Settings of no service."""


@pytest.mark.parametrize(
    ("told", "issuer"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"STOA_GATEWAY_PORT": "8100"}, "http://127.0.0.1:8100"),
        ({"STOA_PUBLIC_URL": "https://stoa.example.com/", "STOA_GATEWAY_PORT": "8100"}, "https://stoa.example.com"),
        ({"STOA_ISSUER": "https://id.example.com", "STOA_PUBLIC_URL": "https://x"}, "https://id.example.com"),
    ],
)
def test_the_issuer_is_where_clients_reach_the_platform(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], issuer: str
) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, told.get(name, ""))

    assert Settings.load().issuer == issuer


@pytest.mark.parametrize("issuer", ["stoa", "ftp://stoa.example.com", "https://example.com/stoa", "https://a?b", "//a"])
def test_an_issuer_that_no_client_could_look_up_is_refused(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    monkeypatch.setenv("STOA_ISSUER", issuer)

    with pytest.raises(BadSettings, match="STOA_ISSUER"):
        Settings.load()
