"""Rules against guessing: what is counted, and how long who failed must wait.

Three counts, each leaking away within an hour. A *pair* is one address on the network at one account: after some free
failures it waits, twice as long each time up to a cap. A *network* waits too, but only after many more failures and
not for long, and not for the right password where it has logged in before. The *account's* count, from everywhere,
locks nobody: it only takes the free failures from networks that failed there. So a stranger can't keep a person out.
"""

import hashlib
import hmac
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from stoa_common.errors import Refusal, TooManyRequests

#: What a count may hold leaks away in this time.
LEAK = timedelta(hours=1)
#: A network that logged in to an account is known there for this long.
KNOWN = timedelta(days=30)
#: An account is under attack when it has seen so many times the free failures of one network.
ATTACK_FACTOR = 3
_IPV6_SITE = 64


class TooManyFailures(TooManyRequests):
    """Log-ins failed too often; the right password is not tried either until the time is over."""

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, math.ceil(wait.total_seconds()))
        super().__init__(
            f"Logging in failed too often. Try again in {seconds} seconds.", headers={"Retry-After": str(seconds)}
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How many failures are free, and the longest wait: of a network at one account, and of a network at all."""

    free: int
    longest: timedelta
    network_free: int
    network_longest: timedelta
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """What is counted, by keyed hashes: neither addresses nor networks can be read from the table."""

    pair: bytes
    account: bytes
    network: bytes

    @property
    def all(self) -> list[bytes]:
        return [self.pair, self.account, self.network]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A log-in that may be tried. `wait` is how long its network must wait yet, `is_known` whether it has logged in to
    the account before, `is_attacked` whether the account fails everywhere."""

    keys: Keys
    wait: timedelta
    is_known: bool
    is_attacked: bool

    @property
    def is_admitted(self) -> bool:
        """Whether the right password opens the account. While a network waits, it does so only where it has before.

        The password is verified all the same, and a wrong one is answered alike: nobody learns where that is.
        """
        return self.is_known or self.wait <= timedelta()


@dataclass(frozen=True, slots=True)
class Count:
    """One count as it was kept."""

    failures: float
    counted_at: datetime
    free_at: datetime
    succeeded_at: datetime | None


def keys(email: str, address: str | None, *, secret: str) -> Keys:
    network = network_of(address)
    return Keys(
        pair=_key(secret, "pair", email, network),
        account=_key(secret, "account", email),
        network=_key(secret, "network", network),
    )


def keys_from_anywhere(name: str, *, secret: str) -> Keys:
    """The counts of one name whatever network it is tried from: as if all of them were one, and nobody else's."""
    parts = ("from anywhere", name)
    return Keys(*(_key(secret, kind, *parts) for kind in ("pair", "account", "network")))


def network_of(address: str | None) -> str:
    """An IPv4 address, or the /64 that an IPv6 address lies in: there a single client has all of it."""
    try:
        known = ip_address((address or "").strip())
    except ValueError:
        return "unknown"
    if isinstance(known, IPv4Address):
        return str(known)
    return str(known.ipv4_mapped or ip_network((known, _IPV6_SITE), strict=False))


def begin(found: Mapping[bytes, Count], keys: Keys, limits: Limits, *, at: datetime) -> Attempt:
    """What is known before the password is verified. Raises TooManyFailures where the pair must wait."""
    pair, network, account = (found.get(key) for key in (keys.pair, keys.network, keys.account))
    if pair is not None and pair.free_at > at:
        raise TooManyFailures(pair.free_at - at)
    room = account_room(limits)
    return Attempt(
        keys=keys,
        wait=max(network.free_at - at, timedelta()) if network else timedelta(),
        is_known=pair is not None and pair.succeeded_at is not None and at - pair.succeeded_at < KNOWN,
        is_attacked=account is not None and left(account, per_hour=room, at=at) >= room,
    )


def refusal(attempt: Attempt, otherwise: Refusal) -> Refusal:
    """What is said where the password was wrong or of no use: while the network waits, nothing about the password."""
    return TooManyFailures(attempt.wait) if attempt.wait > timedelta() else otherwise


def pair_delay(failures: float, attempt: Attempt, limits: Limits) -> timedelta:
    """How long a pair waits after so many failures."""
    return delay(failures, free=1 if attempt.is_attacked else limits.free, longest=limits.longest)


def account_room(limits: Limits) -> int:
    """Failures from everywhere that an account takes before it counts as attacked."""
    return limits.free * ATTACK_FACTOR


def left(count: Count, *, per_hour: float, at: datetime) -> float:
    """What has not leaked away of a count."""
    return max(0.0, count.failures - (at - count.counted_at) / LEAK * per_hour)


def delay(failures: float, *, free: int, longest: timedelta) -> timedelta:
    """Nothing below the free failures, then 1 s, 2 s, 4 s, and so on to the longest."""
    # What leaks away between two failures in a row is next to nothing, and would make the second look like the first.
    whole = round(failures)
    if whole < free:
        return timedelta()
    # Past 2^30 seconds any cap holds, and the power would not fit a timedelta.
    return min(timedelta(seconds=2.0 ** min(whole - free, 30)), longest)


def _key(secret: str, *parts: str) -> bytes:
    return hmac.new(secret.encode(), "\n".join(("log-in attempts", *parts)).encode(), hashlib.sha256).digest()
