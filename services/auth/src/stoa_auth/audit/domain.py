"""Rules of the audit log: what a record says, and in which bytes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from stoa_auth.audit.models import PLATFORM, AuditRecord
from stoa_common import hash_chain
from stoa_common.context import Impersonation
from stoa_common.errors import NotFound
from stoa_events.personal import Personal, Sealed

#: Whose key seals what no known person said: the network address of a log-in to an unknown account, for one.
NOBODY: Final = UUID(int=0)
_ACTION: Final = re.compile(r"[a-z][a-z-]{0,39}\.[a-z][a-z-]{0,39}")
#: What an index takes.
_LONGEST_TARGET: Final = 500
#: JSON may say them, but PostgreSQL's text and UTF-8 cannot.
_UNWRITABLE: Final = re.compile("[\x00\ud800-\udfff]")
#: The parts of a record that may hold personal values.
PARTS: Final = ("before", "after")
ORIGIN: Final = ("address", "user_agent")


class NoSuchAuditLog(NotFound):
    """There is no audit log of this organization, or it is not the caller's."""

    def __init__(self) -> None:
        super().__init__("There is no such audit log. Leave organization_id out to see your own.")


class ActionIsMisnamed(ValueError):
    """An action is not `noun.verb`."""


@dataclass(frozen=True, slots=True)
class Act:
    """What is noted: who did what to what, from where, and what it changed.

    `actor` is a person, `machine` names what acted in no person's name; `subject` is the person it was done to, where
    that is somebody else. Values of `before`, `after`, and the two parts of the origin are sealed where `Personal`.
    """

    id: UUID
    service: str
    action: str
    actor: UUID | None
    machine: str | None
    subject: UUID | None
    organization_id: UUID | None
    target: str | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    address: Personal[str] | None
    user_agent: Personal[str] | None
    correlation_id: str | None
    recorded_at: datetime
    #: The person in whose place the actor acted.
    on_behalf_of: UUID | None = None

    def __post_init__(self) -> None:
        if not _ACTION.fullmatch(self.action):
            raise ActionIsMisnamed(f"Name the action noun.verb, in lower case; {self.action!r} is not.")

    @property
    def chain(self) -> UUID:
        return self.organization_id or PLATFORM

    @property
    def owner(self) -> UUID:
        """Whose key seals what `before` and `after` say: the person they are about."""
        return self.subject or self.actor or NOBODY

    @property
    def origin_owner(self) -> UUID:
        """Whose key seals where it came from: the person who was there."""
        return self.actor or self.subject or NOBODY


def own(wanted: UUID | None, *, acting_for: UUID) -> UUID:
    """The chain of the organization that the caller acts for; others are not there. Raises NoSuchAuditLog."""
    if wanted not in {None, acting_for}:
        raise NoSuchAuditLog
    return acting_for


def organization_of(chain: UUID) -> UUID | None:
    return None if chain == PLATFORM else chain


def follow(chain: hash_chain.Chain, record: AuditRecord) -> None:
    """Take the next record of a log, whose columns must say what its body says. Raises BrokenChain."""
    body = record.body.encode()
    told = json.loads(body)
    chain.follow(told, previous=record.previous_hash, body=body, hash=record.hash)
    if (record.number, moment(record.recorded_at)) != (told["number"], told["recorded_at"]):
        raise hash_chain.BrokenChain(told["number"], "its columns were altered.")


def chain_name(chain: UUID) -> str:
    return "platform" if chain == PLATFORM else str(chain)


def body(act: Act, *, number: int, sealed: Mapping[str, Any]) -> bytes:
    """The canonical bytes; `sealed` has what replaces the parts that may be personal."""
    return hash_chain.canonical(
        {
            "id": str(act.id),
            "chain": chain_name(act.chain),
            "number": number,
            "recorded_at": moment(act.recorded_at),
            "service": act.service,
            "action": act.action,
            "person_id": _text(act.actor),
            "machine": plain(act.machine),
            "subject_id": _text(act.subject),
            "target": plain(act.target[:_LONGEST_TARGET]) if act.target else None,
            "correlation_id": plain(act.correlation_id),
            **_proxy(act),
            **sealed,
        }
    )


def _proxy(act: Act) -> dict[str, str]:
    """Said only where it is so: other records stay the bytes that they were before it could be said."""
    return {"on_behalf_of": str(act.on_behalf_of)} if act.on_behalf_of else {}


@dataclass(frozen=True, slots=True)
class Hands:
    """Who did it, to whom where that is somebody else, and in whose place."""

    actor: UUID | None
    subject: UUID | None
    on_behalf_of: UUID | None = None


def hands(actor: UUID | None, subject: UUID | None, impersonation: Impersonation | None) -> Hands:
    """Where an operator acts in a person's place, the operator did it, and it is the person's concern."""
    if impersonation is not None and actor == impersonation.person_id:
        return Hands(impersonation.impersonator_id, subject or actor, actor)
    return Hands(actor, subject if subject != actor else None)


def told_to(person_id: UUID, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as the person gets it who it is about.

    Where an act came from is told to who acted alone. Nobody knows who failed to log in, or showed a stolen token: what
    the log keeps of it for security is somebody else's as likely as not, and a copy goes to nobody who might use it
    against them (GDPR, article 15(4)).
    """
    return dict(record) if record["person_id"] == str(person_id) else {**record, **dict.fromkeys(ORIGIN)}


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, always with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None


def plain(value: Any) -> Any:
    """A value as JSON says it; ids, times and the like by their text."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(plain(str(name))): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(str(plain(str(each))) for each in value)
    if isinstance(value, datetime):
        return moment(value)
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", str(value))


def rendered(sealed: Sealed) -> dict[str, str]:
    """Ciphertext as it stands in a record; the same shape as in an event."""
    return {"enc": sealed.enc, "kid": sealed.kid, "ct": sealed.ct}


def sealed_in(value: Any) -> Sealed | None:
    """The ciphertext that a value of a record is, or None."""
    if isinstance(value, dict) and value.keys() == {"enc", "kid", "ct"}:
        return Sealed(**value)
    return None
