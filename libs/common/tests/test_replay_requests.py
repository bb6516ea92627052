"""Operators ask for replays, rebuilds and resets of offsets, and are told what cannot be."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import delete, insert
from stoa_sample.service import Note

from stoa_common import clock
from stoa_common.app import create_app
from stoa_common.database import Database, Session
from stoa_common.ids import new_id
from stoa_common.messaging import Batch, EventRouter
from stoa_common.messaging.replay.control import ReplayControl
from stoa_common.messaging.replay.router import offset_resets_http, replays_http
from stoa_common.messaging.replay.tables import replays
from stoa_common.messaging.tables import consumer_groups
from stoa_common.resources import Resources
from stoa_common.security import TokenVerifier
from stoa_common.testing import Delivery, Identities
from stoa_common.testing.identities import ISSUER
from stoa_events.contracts import AttemptGraded, LearnerEnrolled, operations_of

REPLAYS = "/api/v1/ai/messaging/replays"
RESETS = "/api/v1/ai/messaging/offset-resets"
projection = EventRouter(group="ai.projection", rebuilds=[Note.__table__])  # type: ignore[list-item]
graded = EventRouter(group="ai.graded")
copy = EventRouter(group="ai.copy", rebuild_refused="Its numbers are in its readers' hands.")


@projection.on(LearnerEnrolled)
async def note(event: LearnerEnrolled, session: Session) -> None:
    session.add(Note(organization_id=event.organization_id, person_id=event.person_id, text="enrolled"))


@graded.on(AttemptGraded)
async def grade(event: AttemptGraded) -> None:
    pass


@copy.batch(["content.course", "content.enrollment"])
async def take(batch: Batch) -> None:
    pass


ROUTERS = [projection, graded, copy]


@pytest.fixture
async def operator(
    database: Database, identities: Identities, resources: Resources
) -> AsyncIterator[httpx2.AsyncClient]:
    """An operator's client; no replay is known yet."""
    async with database.transaction() as session:
        for table in (replays, consumer_groups):
            await session.execute(delete(table))
    await ReplayControl(ROUTERS, database, resources).register()
    app = create_app(
        title="sample",
        routers=[replays_http("ai", ROUTERS), offset_resets_http("ai", ROUTERS)],
        resources=resources,
        verifier=TokenVerifier(identities, issuer=ISSUER),
        database=database,
    )
    headers = identities.headers(identities.principal("operator"))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
        yield client


async def test_a_replay_is_requested_followed_and_cancelled(operator: httpx2.AsyncClient) -> None:
    asked = await operator.post(REPLAYS, json={"group": "ai.projection", "key": "a", "rate": 7})

    assert asked.status_code == 202, asked.text
    replay = asked.json()
    assert (replay["state"], replay["types"], replay["rate"]) == ("requested", [LearnerEnrolled.type], 7)
    assert replay["publishers"] == [{"publisher": "content", "sent": None, "has_ended": False}]
    assert (await operator.get(asked.headers["location"])).json() == replay
    cancelled = await operator.delete(asked.headers["location"])
    assert cancelled.json()["state"] == "cancelled"
    assert (await operator.delete(asked.headers["location"])).json() == cancelled.json()


async def test_each_action_is_in_the_audit(operator: httpx2.AsyncClient, delivery: Delivery) -> None:
    replay = (await operator.post(REPLAYS, json={"group": "ai.projection"})).json()
    await operator.delete(f"{REPLAYS}/{replay['id']}")
    wanted = {"group": "ai.graded", "topic": AttemptGraded.topic, "to": "latest"}
    reset = (await operator.post(RESETS, json=wanted)).json()
    await operator.delete(f"{RESETS}/{reset['id']}")

    noted = await delivery.recorded(operations_of("ai").audit_recorded)
    actions = [(event.action, event.target) for event in noted if event.target in (replay["id"], reset["id"])]
    assert actions == [
        ("replay.request", replay["id"]),
        ("replay.cancel", replay["id"]),
        ("offsets.reset", reset["id"]),
        ("offsets.cancel", reset["id"]),
    ]


async def test_only_operators_may(operator: httpx2.AsyncClient, identities: Identities) -> None:
    admin = identities.headers(identities.principal("admin"))

    for path in (REPLAYS, RESETS):
        assert (await operator.get(path, headers=admin)).status_code == 403
        assert (await operator.post(path, json={}, headers=admin)).status_code == 403


@pytest.mark.parametrize(
    ("wanted", "status", "problem", "field"),
    [
        ({"group": "ai.nobody"}, 404, "group-is-unknown", None),
        ({"group": "ai.projection", "types": ["stoa.no.such.thing.v1"]}, 422, "replay-is-wrong", "types"),
        ({"group": "ai.projection", "types": [AttemptGraded.type]}, 422, "replay-is-wrong", "types"),
        ({"group": "ai.projection", "key": ""}, 422, "replay-is-wrong", "key"),
        ({"group": "ai.projection", "rate": 0}, 422, "replay-is-wrong", "rate"),
        ({"group": "ai.projection", "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, 422, None, "to"),
        ({"group": "ai.projection", "rebuild": True, "key": "a"}, 422, "replay-is-wrong", "rebuild"),
        ({"group": "ai.graded", "rebuild": True}, 409, "group-cannot-be-rebuilt", None),
        ({"group": "ai.copy", "rebuild": True}, 409, "group-cannot-be-rebuilt", None),
        ({"group": "ai.graded"}, 422, "replay-is-too-old", "from"),
        ({"group": "ai.graded", "from": "2020-01-01T00:00:00Z"}, 422, "replay-is-too-old", "from"),
    ],
)
async def test_what_cannot_be_replayed_is_refused_with_what_to_mend(
    operator: httpx2.AsyncClient, wanted: dict[str, Any], status: int, problem: str | None, field: str | None
) -> None:
    answer = await operator.post(REPLAYS, json=wanted)

    assert answer.status_code == status, answer.text
    assert problem is None or answer.json()["type"].endswith(problem)
    assert field is None or [error["field"] for error in answer.json()["errors"]] == [field]


async def test_an_event_without_mark_is_replayed_while_the_inbox_knows_it(operator: httpx2.AsyncClient) -> None:
    since = (clock.now() - timedelta(days=28)).isoformat()

    answer = await operator.post(REPLAYS, json={"group": "ai.graded", "from": since})

    assert answer.status_code == 202, answer.text


async def test_a_group_has_one_replay_at_a_time(operator: httpx2.AsyncClient) -> None:
    first = await operator.post(REPLAYS, json={"group": "ai.projection"})

    second = await operator.post(REPLAYS, json={"group": "ai.projection"})

    assert second.status_code == 409
    assert second.json()["type"].endswith("replay-is-active")
    await operator.delete(first.headers["location"])
    assert (await operator.post(REPLAYS, json={"group": "ai.projection"})).status_code == 202


async def test_a_half_rebuilt_group_takes_another_rebuild_only(
    operator: httpx2.AsyncClient, database: Database, resources: Resources
) -> None:
    control = ReplayControl(ROUTERS, database, resources)
    rebuild = await operator.post(REPLAYS, json={"group": "ai.projection", "rebuild": True})
    while await control.start_next():
        pass
    assert (await operator.delete(rebuild.headers["location"])).json()["state"] == "cancelled"

    plain = await operator.post(REPLAYS, json={"group": "ai.projection"})

    assert plain.status_code == 409
    assert plain.json()["type"].endswith("group-needs-its-rebuild")
    assert (await operator.post(REPLAYS, json={"group": "ai.projection", "rebuild": True})).status_code == 202


async def test_pages_list_the_replays_of_one_group_or_all(operator: httpx2.AsyncClient) -> None:
    made = [(await operator.post(REPLAYS, json={"group": group})).json() for group in ("ai.projection", "ai.copy")]

    first = (await operator.get(REPLAYS, params={"limit": 1})).json()
    second = (await operator.get(REPLAYS, params={"limit": 1, "after": first["next"]})).json()
    of_copy = (await operator.get(REPLAYS, params={"group": "ai.copy"})).json()

    assert (first["items"] + second["items"], second["next"]) == (made, None)
    assert of_copy["items"] == made[1:]
    assert (await operator.get(REPLAYS, params={"group": "ai.nobody"})).status_code == 404
    assert (await operator.get(REPLAYS, params={"after": "nonsense"})).status_code == 422
    assert (await operator.get(f"{REPLAYS}/{new_id()}")).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "field"),
    [({"topic": "auth.user", "to": "latest"}, "topic"), ({"topic": AttemptGraded.topic, "to": "yesterday"}, None)],
)
async def test_a_wrong_reset_is_refused_with_what_to_mend(
    operator: httpx2.AsyncClient, wanted: dict[str, Any], field: str | None
) -> None:
    answer = await operator.post(RESETS, json={"group": "ai.graded", **wanted})

    assert answer.status_code == 422
    assert field is None or [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_group_that_gains_a_type_is_told_to_be_rebuilt(database: Database, resources: Resources) -> None:
    async with database.transaction() as session:
        await session.execute(delete(consumer_groups))
        before = {"consumer": projection.group, "types": [], "needs_rebuild": False}
        await session.execute(insert(consumer_groups).values(**before))

    await ReplayControl(ROUTERS, database, resources).register()
    await ReplayControl(ROUTERS, database, resources).register()

    async with database.transaction() as session:
        found = {row.consumer: row.needs_rebuild for row in await session.execute(consumer_groups.select())}
    assert found == {"ai.projection": True, "ai.graded": False, "ai.copy": False}


async def test_what_cannot_be_emptied_fails_and_leaves_the_group_as_it_was(
    database: Database, resources: Resources, operator: httpx2.AsyncClient
) -> None:
    async with database.transaction() as session:
        session.add(Note(organization_id=new_id(), person_id=new_id(), text="stays"))
    rebuild = await operator.post(REPLAYS, json={"group": "ai.projection", "rebuild": True})

    @projection.empties
    async def refuse() -> None:
        raise RuntimeError("a bug")

    try:
        control = ReplayControl(ROUTERS, database, resources)
        while await control.start_next():
            pass
    finally:
        projection.emptying = None

    shown = (await operator.get(rebuild.headers["location"])).json()
    assert shown["state"] == "failed"
    assert "RuntimeError" in shown["reason"]
    async with database.transaction() as session:
        assert (await session.execute(Note.__table__.select().where(Note.text == "stays"))).first() is not None
