"""Which access tokens are worth nothing although they have not expired, as every verifier knows it within a second.

Auth keeps them as a log whose numbers grow in the order of the commits, so "all up to number N" says exactly what a
copy has. A copy asks for what follows N: from Redis, where auth writes the log; and from auth itself wherever Redis has
lost it, is behind, or does not answer. Requests ask, so a process without requests costs nothing.

Who and what is meant stays unreadable: a subject is a digest of ids, so neither Redis nor the log tells who logged out.
"""

import asyncio
import hashlib
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol
from uuid import UUID

from stoa_common import clock, logs
from stoa_common.errors import Unavailable

log = logs.get_logger()
#: An entry counts as long as a token can that was issued before it: 15 minutes, and a minute for clocks that differ.
KEPT_SECONDS: Final = 16 * 60
#: How long an answer counts. With the life of the marker in Redis (`revocation_log`) it stays below a second.
TRUST_SECONDS: Final = 0.25
#: Nobody can revoke anything while auth is away, so what was complete then stays good over a restart of auth.
GRACE_SECONDS: Final = 60.0
#: Organizations and roles whose subjects are kept, since the tokens of all their members name them.
_MANY_TOKENS_SAY: Final = 4096
_NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tokens of the subject that were issued at `not_before` or earlier are refused (both times: Unix seconds)."""

    number: int
    subject: str
    not_before: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Extract:
    """Part of the log: with it, a copy that had all up to the number asked for has all up to `upto`.

    None: nobody can say whether it is all, but what is there counts.
    """

    upto: int | None
    revocations: Sequence[Revocation]


class Source(Protocol):
    """Where a copy reads the log."""

    async def read(self, *, after: int) -> Extract | None:
        """What follows this number; None while the source cannot tell, which it must say within a second."""
        ...


class RevocationsAreUnknown(Unavailable):
    """Neither Redis nor auth could tell which tokens still count."""

    def __init__(self) -> None:
        super().__init__("Identity is not reachable yet; try again in a moment.")


def of_session(session_id: UUID) -> str:
    """The subject that is one session."""
    return _subject("session", session_id)


def of_person(person_id: UUID) -> str:
    """The subject that is a person, wherever they act."""
    return _subject("person", person_id)


def of_member(person_id: UUID, organization_id: UUID) -> str:
    """The subject that is a person as far as they act for one organization."""
    return _subject("member", organization_id, person_id)


@lru_cache(_MANY_TOKENS_SAY)
def of_organization(organization_id: UUID) -> str:
    """The subject that is everybody who acts for an organization."""
    return _subject("organization", organization_id)


@lru_cache(_MANY_TOKENS_SAY)
def of_role(organization_id: UUID, role: str) -> str:
    """The subject that is every token of the organization that names the role; with no name, those that name none."""
    return _subject("role", organization_id, name=role)


def of_token(
    person_id: UUID, session_id: UUID, organization_id: UUID | None, *, roles: Collection[str]
) -> tuple[str, ...]:
    """All subjects by one of which such a token is refused.

    What is limited to scopes names no role, and may have its permissions by any.
    """
    alone = (of_session(session_id), of_person(person_id))
    if organization_id is None:
        return alone
    by_role = [of_role(organization_id, role) for role in (roles or ("",))]
    return (*alone, of_member(person_id, organization_id), of_organization(organization_id), *by_role)


def _subject(kind: str, *ids: UUID, name: str = "") -> str:
    # Ids have 74 random bits and more, so nobody finds them by trying.
    return hashlib.sha256(kind.encode() + b"".join(one.bytes for one in ids) + name.encode()).hexdigest()[:32]


class Revocations:
    """A process's own copy of the log."""

    def __init__(self, shared: Source, truth: Source) -> None:
        """`shared` is asked first; `truth` wherever that cannot tell or has less than the copy."""
        self._shared = shared
        self._truth = truth
        self._entries: dict[str, Revocation] = {}
        self._upto = 0
        self._good_until = _NEVER
        self._complete_at = _NEVER
        self._unknown_until = _NEVER
        self._asking = asyncio.Lock()
        self._is_known = True

    @property
    def upto(self) -> int:
        """The number up to which this copy has the log: another one says that something was revoked."""
        return self._upto

    async def ensure_fresh(self) -> None:
        """Bring the copy up to date unless it was a moment ago. Raises RevocationsAreUnknown."""
        if time.monotonic() < self._good_until:
            return
        async with self._asking:
            now = time.monotonic()
            if now < self._unknown_until:
                # Whoever waited for the answer that failed does not wait for another.
                raise RevocationsAreUnknown
            if now >= self._good_until:
                await self._refresh()

    def is_revoked(self, subjects: Iterable[str], *, issued_at: float) -> bool:
        """Whether a token of all these subjects counts no more."""
        entries = self._entries
        if not entries:
            return False
        return any(issued_at <= found.not_before for subject in subjects if (found := entries.get(subject)))

    async def _refresh(self) -> None:
        if await self._ask(self._shared) or await self._ask(self._truth, is_truth=True):
            self._tell(is_known=True)
            return
        now = time.monotonic()
        if now - self._complete_at > GRACE_SECONDS:
            self._unknown_until = now + TRUST_SECONDS
            raise RevocationsAreUnknown
        self._tell(is_known=False)
        self._good_until = now + TRUST_SECONDS

    async def _ask(self, source: Source, *, is_truth: bool = False) -> bool:
        began = time.monotonic()
        extract = await source.read(after=self._upto)
        if extract is None:
            return False
        if extract.upto is None:
            self._take(extract)
            return False
        if extract.upto < self._upto:
            if not is_truth:
                return False
            # Auth's database was restored from an older copy: begin anew.
            extract = await source.read(after=0)
            if extract is None:
                return False
            self._entries.clear()
        self._take(extract)
        self._good_until, self._complete_at = began + TRUST_SECONDS, began
        return True

    def _take(self, extract: Extract) -> None:
        for one in extract.revocations:
            known = self._entries.get(one.subject)
            if known is None or known.not_before < one.not_before:
                self._entries[one.subject] = one
        self._upto = self._upto if extract.upto is None else extract.upto
        if extract.revocations:
            now = clock.now().timestamp()
            self._entries = {subject: one for subject, one in self._entries.items() if one.expires_at > now}

    def _tell(self, *, is_known: bool) -> None:
        if is_known != self._is_known:
            self._is_known = is_known
            log.info("revocations_known_again") if is_known else log.warning("revocations_not_refreshed")
