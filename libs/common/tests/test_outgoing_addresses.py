"""Which addresses a request may reach: none that is not public, however it is written or wrapped."""

import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoa_common.outgoing.addresses import is_allowed, is_public, read_address
from stoa_common.outgoing.client import AddressIsForbidden, OutgoingClient, UrlIsRefused

#: From RFC 6890's registries, and written here anew: the test must not take the code's word for it.
NOT_PUBLIC_V4 = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4", "255.255.255.255/32", "169.254.169.254/32",
]  # fmt: skip
NOT_PUBLIC_V6 = [
    "::/128", "::1/128", "100::/64", "2001:db8::/32", "fc00::/7", "fd00:ec2::254/128", "fe80::/10", "fec0::/10",
    "ff00::/8", "2001::/32", "2001:2::/48", "2001:10::/28", "2002::/16", "3fff::/20", "5f00::/16", "64:ff9b:1::/48",
]  # fmt: skip


def inside_v4(network: str) -> st.SearchStrategy[IPv4Address]:
    whole = IPv4Network(network)
    return st.integers(int(whole[0]), int(whole[-1])).map(IPv4Address)


private_v4 = st.sampled_from(NOT_PUBLIC_V4).flatmap(inside_v4)
private_v6 = st.sampled_from(NOT_PUBLIC_V6).flatmap(lambda text: st.ip_addresses(v=6, network=IPv6Network(text)))


def wrappings(address: IPv4Address) -> list[str]:
    """The IPv6 addresses that lead to an IPv4 address, or have once led there."""
    value = int(address)
    return [
        f"::ffff:{address}",
        str(IPv6Address(0xFFFF << 32 | value)),
        str(IPv6Address((0x64FF9B << 96) | value)),
        str(IPv6Address((0x2002 << 112) | (value << 80) | 1)),
        str(IPv6Address((0x20010000 << 96) | (value ^ 0xFFFFFFFF))),
        str(IPv6Address((0x2600_1F18 << 96) | (0x5EFE << 32) | value)),
        str(IPv6Address((0x2600_1F18 << 96) | (0x200_5EFE << 32) | value)),
        str(IPv6Address(value)),
    ]


def notations(address: IPv4Address) -> list[str]:
    """An address as C libraries read it: decimal, octal, hexadecimal, and with parts left out."""
    value, parts = int(address), address.packed
    dotted = [".".join(write(part) for part in parts) for write in (str, "0{:o}".format, "0x{:x}".format)]
    short = [f"{parts[0]}.{value & 0xFFFFFF}", f"{parts[0]}.{parts[1]}.{value & 0xFFFF}"]
    mixed = f"0x{parts[0]:x}.{parts[1]}.0{parts[2]:o}.{parts[3]}"
    return [*dotted, *short, mixed, str(value), f"0{value:o}", f"0x{value:x}"]


@given(private_v4)
def test_no_private_ipv4_address_is_public_however_it_is_wrapped(address: IPv4Address) -> None:
    assert not is_public(address)
    assert not [text for text in wrappings(address) if is_public(read_address(text))]


@given(private_v6)
def test_no_special_ipv6_address_is_public(address: IPv6Address) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=6))
def test_what_python_calls_private_is_never_public(address: IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_public(address) or address.ipv4_mapped or address in IPv6Network("64:ff9b::/96")


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80e::200e", "64:ff9b::101:101"]
)
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(read_address(text))


@pytest.mark.parametrize("text", ["fe80::1%eth0", "2606:4700::1%1", "::1%lo"])
def test_an_address_of_one_interface_is_not_public(text: str) -> None:
    assert not is_public(read_address(text))


@pytest.mark.parametrize("text", ["127.0.0.2", "::ffff:127.0.0.2"])
def test_an_allowed_network_is_allowed_and_its_neighbor_is_not(text: str) -> None:
    allowed = [ip_network("127.0.0.2/32")]

    assert is_allowed(read_address(text), allowed)
    assert not is_allowed(read_address(text.replace(".2", ".3")), allowed)


@settings(deadline=None, max_examples=50)
@given(private_v4, st.data())
async def test_no_notation_of_a_private_address_gets_past_the_client(address: IPv4Address, data: st.DataObject) -> None:
    host = data.draw(st.sampled_from([*notations(address), *(f"[{text}]" for text in wrappings(address)[:3])]))
    client = OutgoingClient(user_agent="tests", timeout_seconds=15)

    with pytest.raises((AddressIsForbidden, socket.gaierror)):
        await client.resolve(host.strip("[]"))
    with pytest.raises(UrlIsRefused):
        await client.check(f"https://{host}/hook")
    with pytest.raises((aiohttp.ClientError, OSError, ValueError)):
        await client.fetch("GET", f"https://{host}:9/hook", headers={}, most_bytes=10)
    await client.close()
