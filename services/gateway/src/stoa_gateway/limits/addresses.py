"""Whose request it is: the address of a client behind the proxies that are trusted."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

Networks = Sequence[IPv4Network | IPv6Network]


def client_address(scope: Mapping[str, Any], trusted: Networks) -> str:
    """Whose request this is: the other end of the connection, or whom the trusted proxies before it name.

    Read from the right, since each proxy appends whom it saw: the first that is no proxy of ours is the client. What
    stands left of it, anybody could have written; and what no trusted proxy sent is not read at all.
    """
    peer = scope.get("client")
    address: str = peer[0] if peer else ""
    if not trusted or not is_trusted(address, trusted):
        return address
    for named in reversed(listed(scope["headers"], b"x-forwarded-for")):
        if (found := _address(named)) is None:
            break
        address = str(found)
        if not is_trusted(address, trusted):
            break
    return address


def listed(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    """All that a header lists; a proxy may have added a second header instead of a second part."""
    values = [value.decode("latin-1") for name, value in headers if name == wanted]
    return [part.strip() for part in ",".join(values).split(",")]


def is_trusted(text: str, trusted: Networks) -> bool:
    """Whether an address, as `listed` gives it, is that of a proxy of ours."""
    address = _address(text)
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """`192.0.2.1`, `192.0.2.1:443`, `2001:db8::1` and `[2001:db8::1]:443` as an address; None for anything else."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found
