"""Which addresses a request may reach: those of the public Internet, and nothing that one could hide inside them.

Sources: IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890), RFC 6052 (NAT64), RFC 5214 (ISATAP).
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated

from pydantic import BeforeValidator

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _listed(networks: object) -> object:
    """Networks as they stand in the environment: separated by commas or spaces."""
    if not isinstance(networks, str):
        return networks
    return tuple(ip_network(part) for part in networks.replace(",", " ").split())


#: A setting's type: networks that requests may reach although they are not public.
Networks = Annotated[tuple[Network, ...], BeforeValidator(_listed)]

#: Written out, because what Python calls global differs between its versions.
_SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
#: All that is given out for the public Internet; what lies outside is special or not in use.
_PUBLIC_V6 = IPv6Network("2000::/3")
#: Inside it: protocols (Teredo among them), documentation, 6to4, which wraps any IPv4 address, and AS112.
_SPECIAL_V6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_NAT64 = IPv6Network("64:ff9b::/96")
_ISATAP = 0x5EFE
#: The bit of an interface's id that says who gave it, which ISATAP leaves open.
_UNIVERSAL = 0x0200_0000


def read_address(text: str) -> Address:
    """An address as the resolver or a socket writes it; raises ValueError."""
    return ip_address(text)


def is_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether a request may go there: it is public, or lies in a network that the settings allow."""
    inner = _inner(address)
    return is_public(address) or any(inner.version == network.version and inner in network for network in allowed)


def is_public(address: Address) -> bool:
    inner = _inner(address)
    if isinstance(inner, IPv4Address):
        return inner.is_global and not any(inner in network for network in _SPECIAL_V4)
    is_special = inner.scope_id is not None or any(inner in network for network in _SPECIAL_V6)
    return inner in _PUBLIC_V6 and inner.is_global and not is_special and not _is_isatap(inner)


def _inner(address: Address) -> Address:
    """Where a packet really goes: an IPv4 address written as IPv6, or reached by a translator."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_isatap(address: IPv6Address) -> bool:
    return (int(address) >> 32) & 0xFFFF_FFFF & ~_UNIVERSAL == _ISATAP
