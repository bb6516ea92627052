"""Personal fields are sealed on their way out, with the person's key, which lives in the publisher's own database."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from stoa_common import personal_keys
from stoa_events.contract import Event
from stoa_events.personal import Personal


class NobodysField(TypeError):
    """A contract has personal fields, but no `person_id` that says whose they are."""


async def seal(session: AsyncSession, event: Event) -> Event:
    """The event with its personal fields encrypted; itself where there are none."""
    fields = [name for name in event.personal_fields() if _is_plain(getattr(event, name))]
    if not fields:
        return event
    key = await personal_keys.get_or_make(session, _person(event))
    changes: dict[str, Any] = {name: _sealed(key, name, getattr(event, name)) for name in fields}
    return event.model_copy(update=changes)


def _is_plain(value: Personal[Any]) -> bool:
    return value.sealed is None and value.plain is not None


def _person(event: Event) -> UUID:
    person = getattr(event, "person_id", None)
    if not isinstance(person, UUID):
        raise NobodysField(f"{type(event).__name__} has personal fields and needs a person_id.")
    return person


def _sealed(key: personal_keys.PersonalKey, name: str, value: Personal[Any]) -> Personal[Any]:
    return Personal(sealed=key.seal(name, value.plaintext()))
