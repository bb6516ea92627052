"""Whose request it is: what trusted proxies say counts, and what anybody else says is not passed on."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_gateway.limits.addresses import client_address
from stoa_gateway.settings import Settings

ECHO = "/api/v1/content/echo/x"
POLICIES = "defaults = { content_types = ['*/*'] }"
PROXIES = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "127.0.0.0/8", "2001:db8::/32")]


def address(peer: str, *forwarded: str, trusted: Any = PROXIES) -> str:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    return client_address({"client": (peer, 5), "headers": headers}, trusted)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 10.1.1.1,10.2.2.2"], "6.6.6.6"),
        ("10.0.0.1", ["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ("10.0.0.1", ["6.6.6.6, unknown, 10.2.2.2"], "10.2.2.2"),
        ("10.0.0.1", ["<script>"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("2001:db8::7", ["[2001:dead::1]:443"], "2001:dead::1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    ],
)
def test_the_first_from_the_right_that_is_no_proxy_of_ours_is_the_client(
    peer: str, forwarded: list[str], client: str
) -> None:
    assert address(peer, *forwarded) == client


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert address("10.0.0.1", "198.51.100.1", trusted=()) == "10.0.0.1"


@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=30), max_size=5))
def test_whatever_a_client_writes_left_of_its_address_changes_nothing(written: list[str]) -> None:
    assert address("10.0.0.1", *written, "198.51.100.1") == "198.51.100.1"


@given(st.text(st.characters(codec="latin-1"), max_size=60))
def test_any_header_leads_to_an_address(written: str) -> None:
    ipaddress.ip_address(address("10.0.0.1", written))


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(trusted_proxies="10.0.0.0/8, somewhere")


async def seen(client: Any, headers: dict[str, str]) -> dict[str, list[str]]:
    answer = await client.get(ECHO, headers=headers)
    found: dict[str, list[str]] = {}
    for name, value in (await answer.json())["headers"]:
        found.setdefault(name, []).append(value)
    return found


async def test_a_trusted_proxy_tells_the_client_the_scheme_and_the_host(open_gateway: Any, settings: Any) -> None:
    told = {
        "X-Forwarded-For": "6.6.6.6, 198.51.100.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "stoa.example",
    }

    async with open_gateway(POLICIES, content_url=settings.content_url, trusted_proxies="127.0.0.1") as client:
        found = await seen(client, told)

    assert found["x-forwarded-for"] == ["198.51.100.1"]
    assert found["x-forwarded-proto"] == ["https"]
    assert found["x-forwarded-host"] == ["stoa.example"]


async def test_from_anybody_else_it_is_dropped(open_gateway: Any, settings: Any) -> None:
    spoofed = {
        "X-Forwarded-For": "198.51.100.1",
        "X-Forwarded-Proto": "https",
        "X_Forwarded_For": "198.51.100.1",
        "Forwarded": "for=198.51.100.1",
        "CF-Connecting-IP": "198.51.100.1",
        "X-Real-IP": "198.51.100.1",
        "X-Remote-User": "root",
        "X-Stoa-Person": "root",
    }

    async with open_gateway(POLICIES, content_url=settings.content_url) as client:
        found = await seen(client, spoofed)

    assert found["x-forwarded-for"] == ["127.0.0.1"]
    assert found["x-forwarded-proto"] == ["http"]
    assert not {"198.51.100.1", "root", "for=198.51.100.1"} & {value for values in found.values() for value in values}
