"""Kept answers in memory, in at most so many bytes: the one that nobody has asked for longest goes first."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from stoa_gateway.caching import domain
from stoa_gateway.caching.domain import Answer, Header, Lifetime, Purge
from stoa_gateway.routing.domain import CacheRule

#: About what Python needs for an entry beside its bytes.
_ENTRY_BYTES: Final = 1500
#: A caller who varies what it accepts gets no more of one thing's room than this.
_MOST_VARIANTS: Final = 32


#: Target and variant.
_Key = tuple[bytes, tuple[bytes, ...]]


@dataclass(slots=True)
class Entry:
    """An answer, and from when on it counts (a monotonic clock's seconds)."""

    answer: Answer
    lifetime: Lifetime
    rule: CacheRule
    ids: frozenset[UUID]
    made_at: float
    #: The headers that it depends on, and what they were.
    vary: tuple[bytes, ...] = ()
    variant: tuple[bytes, ...] = ()
    #: A service that could not renew it is not asked again before.
    rests_until: float = float("-inf")

    def seconds_left(self, now: float) -> float:
        """How long it stays fresh; negative since it is not."""
        return self.made_at + self.lifetime.fresh - now

    def is_fresh(self, now: float) -> bool:
        return self.seconds_left(now) > 0

    def may_be_shown(self, now: float) -> bool:
        """Whether it is shown without waiting for the service."""
        over = -self.seconds_left(now)
        return over <= self.lifetime.while_revalidated or (now < self.rests_until and over <= self.lifetime.on_error)

    def may_replace_errors(self, now: float) -> bool:
        return -self.seconds_left(now) <= self.lifetime.on_error

    def fits(self, headers: Iterable[Header]) -> bool:
        """Whether it answers a request with these headers."""
        return domain.variant(self.vary, headers) == self.variant

    def age(self, now: float) -> int:
        return max(0, int(now - self.made_at))

    @property
    def size(self) -> int:
        return _ENTRY_BYTES + len(self.answer.body) + sum(len(name) + len(value) for name, value in self.answer.headers)


@dataclass(slots=True)
class _Thing:
    """What one target stands for: the headers that its answers depend on, and which variants are kept."""

    vary: tuple[bytes, ...]
    variants: set[tuple[bytes, ...]] = field(default_factory=set)


class Store:
    """Answers by target (path and query as written) and variant."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[_Key, Entry] = OrderedDict()
        self._things: dict[bytes, _Thing] = {}
        #: By each id in their paths; those without one under None.
        self._by_id: dict[UUID | None, set[_Key]] = {}
        self.bytes = 0

    def vary(self, target: bytes) -> tuple[bytes, ...] | None:
        """The headers that answers for the target are known to depend on; None where nothing is kept."""
        thing = self._things.get(target)
        return None if thing is None else thing.vary

    def find(self, target: bytes, headers: Iterable[Header]) -> Entry | None:
        thing = self._things.get(target)
        if thing is None:
            return None
        key = (target, domain.variant(thing.vary, headers))
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def add(self, target: bytes, entry: Entry) -> None:
        """Keep the entry, in the place of what is kept for the same requests, if it has room at all."""
        thing = self._things.get(target)
        if thing is not None and (thing.vary != entry.vary or len(thing.variants) >= _MOST_VARIANTS):
            self._drop_all(target)
        self._drop((target, entry.variant))
        if entry.size + len(target) > self._max_bytes:
            return
        self._things.setdefault(target, _Thing(entry.vary)).variants.add(entry.variant)
        self._entries[target, entry.variant] = entry
        for one in entry.ids or (None,):
            self._by_id.setdefault(one, set()).add((target, entry.variant))
        self.bytes += entry.size + len(target)
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def purge(self, purge: Purge) -> int:
        """Drop what the event ends; how many that were."""
        ended = [
            key
            for key in self._named(purge.organization)
            if domain.is_ended(self._entries[key].rule, self._entries[key].ids, purge)
        ]
        for key in ended:
            self._drop(key)
        return len(ended)

    def _named(self, organization: UUID | None) -> Iterable[_Key]:
        """Those that can be meant: all where nobody is named."""
        if organization is None:
            return list(self._entries)
        return self._by_id.get(organization, set()) | self._by_id.get(None, set())

    def clear(self) -> None:
        self._entries.clear()
        self._by_id.clear()
        self._things.clear()
        self.bytes = 0

    def _drop_all(self, target: bytes) -> None:
        for variant in list(self._things[target].variants):
            self._drop((target, variant))

    def _drop(self, key: _Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        target, variant = key
        self.bytes -= entry.size + len(target)
        for one in entry.ids or (None,):
            self._by_id[one].discard(key)
            if not self._by_id[one]:
                del self._by_id[one]
        thing = self._things[target]
        thing.variants.discard(variant)
        if not thing.variants:
            del self._things[target]
