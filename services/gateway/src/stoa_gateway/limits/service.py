"""Who may ask how much: each request takes of its caller's quotas, of all of them or, where one is spent, of none."""

import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from uuid import UUID

from prometheus_client import Counter

from stoa_common.security import Principal
from stoa_gateway.limits import provider
from stoa_gateway.limits.connection import RedisIsAway
from stoa_gateway.limits.domain import Decision
from stoa_gateway.limits.local import LocalCounts
from stoa_gateway.limits.provider import ANSWER_SECONDS, RedisCounts, Taking
from stoa_gateway.limits.quotas import Headers, Quotas
from stoa_gateway.limits.rates import RouteClass

#: Callers whose next request needs no new digests; some 600 bytes each.
_MOST_KNOWN: Final = 4096
#: The braces keep all keys on one node of a cluster, as one script takes of several.
_SPACE: Final = "{stoa:limits}"
REFUSED: Final = Counter("stoa_gateway_limited_total", "Requests refused because a quota was spent.", ["quota"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """The request may pass, and its answer says what is left."""

    headers: Headers


@dataclass(frozen=True, slots=True)
class _Caller:
    """A known caller of one class of routes: the quotas that count, and how Redis is asked to take of them."""

    quotas: Quotas
    taking: Taking


_Names = tuple[str, str, UUID | None, UUID | None, str | None]
_UNLIMITED: Final = Verdict([])


class Limits:
    """The limits of all classes of routes: counted in Redis for all replicas, and here while Redis is away."""

    def __init__(self, redis: RedisCounts, classes: Mapping[str, RouteClass], *, prefix: str = "") -> None:
        """The prefix parts platforms that share a Redis, as it parts their topics."""
        self._redis = redis
        self._classes = classes
        self._space = f"{prefix}{_SPACE}"
        self._local = LocalCounts()
        self._quotas: dict[tuple[str, tuple[str, ...]], Quotas] = {}
        self._callers: dict[_Names, _Caller | None] = {}

    async def take(
        self, policy_class: str, *, address: str, principal: Principal | None = None, key_id: str | None = None
    ) -> Verdict:
        """Count a request of this class. Raises QuotaIsExceeded, which says when to come again; then it took nothing.

        A Redis that is known to be away costs no time; one that falls silent, its answer time to those who ask then.
        """
        person, organization = (principal.person_id, principal.organization) if principal else (None, None)
        names = (policy_class, address, person, organization, key_id)
        try:
            caller = self._callers[names]
        except KeyError:
            caller = self._remembered(names)
        if caller is None:
            return _UNLIMITED
        try:
            decision, is_local = await self._redis.take(caller.taking), False
        except RedisIsAway:
            decision, is_local = self._counted_here(caller), True
        if decision.wait_us:
            REFUSED.labels(caller.quotas.names[decision.quota]).inc()
            raise caller.quotas.refusal(decision, is_local=is_local)
        return Verdict(caller.quotas.headers(decision, is_local=is_local))

    def _counted_here(self, caller: _Caller) -> Decision:
        quotas = caller.quotas
        return self._local.take(caller.taking.keys, quotas.rates, cost=quotas.cost)

    def _remembered(self, names: _Names) -> _Caller | None:
        """The caller, and room made for it: the longest known goes, so that strangers cannot fill the memory."""
        caller = self._callers[names] = self._known(names)
        if len(self._callers) > _MOST_KNOWN:
            del self._callers[next(iter(self._callers))]
        return caller

    def _known(self, names: _Names) -> _Caller | None:
        policy_class, address, person, organization, key_id = names
        shown = {"address": network(address), "person": person, "key": key_id, "organization": organization}
        subjects = {kind: str(subject) for kind, subject in shown.items() if subject} | {"everyone": ""}
        quotas = self._quotas_of(policy_class, subjects)
        if quotas is None:
            return None
        keys = [self._key(quotas.names[at], subjects[kind]) for at, kind in enumerate(quotas.kinds)]
        return _Caller(quotas, Taking(keys, quotas.rates, cost=quotas.cost))

    def _quotas_of(self, policy_class: str, subjects: Mapping[str, str]) -> Quotas | None:
        """The quotas that count for callers who show these; None where nothing does."""
        route_class = self._classes.get(policy_class)
        kinds = tuple(kind for kind in route_class.rates if kind in subjects) if route_class else ()
        if route_class is None or not kinds:
            return None
        return self._quotas.setdefault((policy_class, kinds), Quotas(route_class, kinds))

    def _key(self, name: str, subject: str) -> bytes:
        # Who is meant stays unreadable to whoever looks into Redis; the key is gone when the quota is whole again.
        digest = blake2b(subject.encode(), digest_size=12, person=b"stoa-limits").hexdigest()
        return f"{self._space}:{name}:{digest}".encode()


def network(address: str) -> str:
    """Whose the address is, as far as one can tell: an IPv4 address alone, of IPv6 the /64 that a household gets."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(known) >> 64 << 64, 64)))


@asynccontextmanager
async def opened(
    redis_url: str, classes: Mapping[str, RouteClass], *, prefix: str = "", answer_seconds: float = ANSWER_SECONDS
) -> AsyncIterator[Limits]:
    """The limits of a gateway, with their connection to Redis."""
    async with provider.opened(redis_url, answer_seconds=answer_seconds) as redis:
        yield Limits(redis, classes, prefix=prefix)
