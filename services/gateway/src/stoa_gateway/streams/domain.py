"""Rules of the streams: what an event becomes for whom, where a client is in its stream, who may listen."""

import base64
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from stoa_common.errors import Refusal, TooManyRequests, Unauthenticated, Unavailable
from stoa_common.sse import ServerEvent
from stoa_events.contract import Event
from stoa_events.envelope import Envelope
from stoa_gateway.streams.notices import NOTICES, PERMISSIONS, Audience

_PLACE: Final = re.compile(r"[0-9]{1,15}-[0-9]{1,9}")


class TooManyStreams(TooManyRequests):
    """The person has as many open streams as they may."""

    def __init__(self, most_of_one: int) -> None:
        detail = f"A person may hold {most_of_one} streams open: close one, or share one among tabs and devices."
        super().__init__(detail, headers={"Retry-After": "10"})


class NoRoomForStreams(Unavailable):
    """This process has as many open streams as it may."""

    def __init__(self) -> None:
        super().__init__("This gateway holds as many streams as it can; try again.", retry_after_seconds=10)


class StreamHasMovedOn(Refusal):
    """Events after the client's place are not kept any more, or never were."""

    status, title = 410, "Gone"

    def __init__(self) -> None:
        super().__init__("What followed this place is not kept: read the resources again, then go on from here.")


class StreamIsOver(Unauthenticated):
    """The token has expired or was revoked while its stream was open."""

    def __init__(self) -> None:
        super().__init__("The access token has ended: come back with a new one and the last id.")


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it is told: to one person, or to all who act for an organization, if they have the permission.

    `person` (a digest) or `organization_id` is None where it does not limit who is told; one of them does. `body` is
    JSON.
    """

    event_id: UUID
    type: str
    person: str | None
    organization_id: UUID | None
    permission: str
    body: str

    def is_for(self, organization_id: UUID | None, *, hears: Collection[str]) -> bool:
        """Whether somebody who is told of it at all is told where they act for this organization."""
        mine = self.organization_id is None or self.organization_id == organization_id
        return mine and self.permission in hears

    def frame(self, place: str) -> bytes:
        """As it goes out; `place` is what a client that comes back will name."""
        return ServerEvent(self.type, orjson.Fragment(self.body), place).encode()


def tell(event: Event, envelope: Envelope) -> Message | None:
    """What becomes of an event; None for what nobody is told."""
    notice = NOTICES.get(type(event))
    if notice is None:
        return None
    organization_id: UUID | None = event.orgid or getattr(event, "acts_for", None)
    person_id: UUID | None = getattr(event, "person_id", None)
    known = event.model_dump(mode="json", include=set(notice.fields) | {"organization_id", event.subject_field})
    body = {
        "id": str(envelope.id),
        "type": event.type,
        "time": envelope.time.isoformat(),
        "organization_id": None if organization_id is None else str(organization_id),
        "resource": None if notice.resource is None else notice.resource.format_map(known),
        "data": {name: known[name] for name in notice.fields},
    }
    return Message(
        envelope.id,
        event.type,
        None if person_id is None or notice.audience is Audience.ORGANIZATION else digest(person_id),
        None if notice.audience is Audience.ACCOUNT else organization_id,
        notice.permission,
        orjson.dumps(body).decode(),
    )


def hearing(permissions: Collection[str]) -> frozenset[str]:
    """Of the permissions that decide what one is told, those that somebody has, for their own things at least."""
    return frozenset(name for name in PERMISSIONS if name in permissions or f"{name}:own" in permissions)


def is_place(text: str) -> bool:
    """Whether this can be an id that a client got from a stream."""
    return _PLACE.fullmatch(text) is not None


def order(place: str) -> int:
    """Places as numbers: what was told later has a larger one. Two numbers of a Redis stream's id, in one."""
    milliseconds, _, count = place.partition("-")
    return (int(milliseconds) << 32) + int(count)


def digest(person_id: UUID) -> str:
    """What stands for somebody in Redis: whoever knows the id finds it, and nobody finds the id by it."""
    return hashlib.sha256(f"stoa-person:{person_id}".encode()).hexdigest()[:32]


def issued_at(token: str) -> float:
    """When a token that was verified had been issued, in Unix seconds."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return float(claims["iat"])


def retry_milliseconds(person: str, *, least: int) -> int:
    """When a client comes back: each person's a little later than another's, or ten thousand would come at once."""
    return least + int(person[:8], 16) % least
