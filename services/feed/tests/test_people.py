"""What the feed holds on a person: the events that name them, in which nothing can be read once their key is gone."""

import json
from typing import Any

from stoa_common import clock, privacy
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.testing import Delivery
from stoa_events.contracts import LearnerEnrolled, UserErased, UserRegistered
from stoa_events.personal import Personal, Sealed


def _enrolled(person_id: Any) -> LearnerEnrolled:
    return LearnerEnrolled(
        enrollment_id=new_id(),
        organization_id=new_id(),
        course_id=new_id(),
        person_id=person_id,
        enrolled_at=clock.now(),
    )


def _registered(person_id: Any) -> UserRegistered:
    sealed = Personal[str](sealed=Sealed.of("k1", b"ciphertext"))
    return UserRegistered(person_id=person_id, email=sealed, name=Personal(), registered_at=clock.now())


async def test_a_person_is_told_which_events_name_them(copy: Any, make: Any, database: Database) -> None:
    ada, bob = new_id(), new_id()
    for event in (_enrolled(ada), _registered(ada), _enrolled(bob)):
        await copy([make.record(event)])

    async with database.transaction() as session:
        held = await privacy.registry.export(session, ada)

    assert {name: len(held[name]) for name in ("feed_events", "platform_events")} == {
        "feed_events": 1,
        "platform_events": 1,
    }
    assert all(json.loads(rows[0]["data"])["person_id"] == str(ada) for name, rows in held.items() if rows)


async def test_the_copy_keeps_its_numbers_through_an_erasure(
    copy: Any, make: Any, database: Database, delivery: Delivery
) -> None:
    ada = new_id()
    await copy([make.record(_enrolled(ada))])

    await delivery.deliver(privacy.erasure_router("feed"), UserErased(person_id=ada, erased_at=clock.now()))

    async with database.transaction() as session:
        assert len((await privacy.registry.export(session, ada))["feed_events"]) == 1
