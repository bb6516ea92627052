"""What operators see of consumer groups, and do with what these could not handle."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select
from stoa_sample import service as sample

from stoa_common import clock
from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.handling import Outcome
from stoa_common.messaging.record import Record
from stoa_common.messaging.tables import parked
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts import LearnerEnrolled
from stoa_events.contracts.operations import operations_of

pytestmark = pytest.mark.usefixtures("unpublished")

MESSAGING = "/api/v1/sample/messaging"
Headers = dict[str, str]


def _enrolled(person_id: UUID, enrollment_id: UUID | None = None) -> LearnerEnrolled:
    return LearnerEnrolled(
        enrollment_id=enrollment_id or new_id(),
        organization_id=new_id(),
        course_id=new_id(),
        person_id=person_id,
        enrolled_at=clock.now(),
    )


@pytest.fixture
async def broken_person() -> AsyncIterator[UUID]:
    """A person for whom the sample's handler has a bug."""
    person = new_id()
    sample.broken_for.add(person)
    yield person
    sample.broken_for.discard(person)


async def _parked(client: httpx2.AsyncClient, operator: Headers, **wanted: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{MESSAGING}/parked", params=wanted, headers=operator)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def _park_one(client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, person: UUID) -> dict[str, Any]:
    event = _enrolled(person)
    assert await delivery.deliver(sample.reader, event) is Outcome.PARKED
    return (await _parked(client, operator, key=event.subject))[0]


async def _audited(delivery: Delivery, target: str) -> list[Any]:
    return await delivery.recorded(operations_of("sample").audit_recorded, target=target)


def _place(item: dict[str, Any]) -> str:
    return f"{item['topic']}-{item['partition']}-{item['offset']}"


async def test_only_operators_see_anything(client: httpx2.AsyncClient, identities: Identities) -> None:
    for role in ("learner", "author", "admin"):
        headers = identities.headers(identities.principal(role))
        for path in ("groups", "parked", "parked/1", "bad-events"):
            assert (await client.get(f"{MESSAGING}/{path}", headers=headers)).status_code == 403
        for path in ("parked/1/retry", "parked/1/discard"):
            answer = await client.post(f"{MESSAGING}/{path}", json={"reason": "none"}, headers=headers)
            assert answer.status_code == 403


async def test_a_parked_event_is_listed_without_its_data_and_shown_with_it(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)

    shown = (await client.get(f"{MESSAGING}/parked/{item['position']}", headers=operator)).json()

    assert (item["group"], item["state"], item["type"]) == ("sample.reader", "waiting", LearnerEnrolled.type)
    assert item["error"].startswith("RuntimeError at service.py")
    assert "data" not in item
    assert shown["data"]["person_id"] == str(broken_person)
    assert dict(shown["headers"])["ce_id"] == item["event_id"]


async def test_showing_data_is_audited_and_listing_is_not(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    assert await _audited(delivery, _place(item)) == []

    await client.get(f"{MESSAGING}/parked/{item['position']}", headers=operator)

    assert [event.action for event in await _audited(delivery, _place(item))] == ["parked.show"]


async def test_the_line_behind_an_event_is_told(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    enrollment = new_id()
    for _ in range(3):
        await delivery.deliver(sample.reader, _enrolled(broken_person, enrollment))

    line = await _parked(client, operator, key=str(enrollment))

    assert [(item["ahead"], item["behind"]) for item in line] == [(0, 2), (1, 1), (2, 0)]


async def test_a_list_comes_in_pages_and_narrows(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    enrollment = new_id()
    for _ in range(3):
        await delivery.deliver(sample.reader, _enrolled(broken_person, enrollment))
    mine = {"key": str(enrollment), "group": "sample.reader", "state": "waiting", "type": LearnerEnrolled.type}

    first = (await client.get(f"{MESSAGING}/parked", params={**mine, "limit": 2}, headers=operator)).json()
    rest = (await client.get(f"{MESSAGING}/parked", params={**mine, "after": first["next"]}, headers=operator)).json()

    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert await _parked(client, operator, **{**mine, "type": "stoa.x.y.z.v1"}) == []
    assert await _parked(client, operator, **{**mine, "state": "dead"}) == []


async def test_a_retry_makes_it_due_now_and_a_dead_one_waits_again(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, database: Database, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    async with database.transaction() as session:
        mine = parked.c.position == item["position"]
        await session.execute(parked.update().where(mine).values(state="dead", attempts=5))

    answer = await client.post(f"{MESSAGING}/parked/{item['position']}/retry", headers=operator)

    told = answer.json()
    assert (answer.status_code, told["state"], told["attempts"]) == (200, "waiting", 0)
    assert told["next_try_at"] <= clock.now().isoformat().replace("+00:00", "Z")
    assert [event.action for event in await _audited(delivery, _place(item))] == ["parked.retry"]


async def test_a_discarded_event_stays_on_record_and_lets_its_line_go(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    enrollment = new_id()
    record = delivery.record_of(_enrolled(broken_person, enrollment))
    await delivery.deliver(sample.reader, record)
    item = (await _parked(client, operator, key=str(enrollment)))[0]

    discard = f"{MESSAGING}/parked/{item['position']}/discard"
    answer = await client.post(discard, json={"reason": "a test order"}, headers=operator)
    sample.broken_for.discard(broken_person)

    assert answer.json()["state"] == "discarded"
    assert (await _audited(delivery, _place(item)))[0].details["reason"] == "a test order"
    assert await delivery.deliver(sample.reader, record) is Outcome.DUPLICATE
    assert await delivery.deliver(sample.reader, _enrolled(broken_person, enrollment)) is Outcome.HANDLED
    assert [i["state"] for i in await _parked(client, operator, key=str(enrollment))] == ["discarded"]


@pytest.mark.parametrize("action", ["retry", "discard"])
async def test_what_was_discarded_is_given_up_for_good(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID, action: str
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    place = f"{MESSAGING}/parked/{item['position']}"
    await client.post(f"{place}/discard", json={"reason": "a test"}, headers=operator)

    answer = await client.post(f"{place}/{action}", json={"reason": "again"}, headers=operator)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:stoa:problem:event-is-discarded")


async def test_an_edit_mends_what_could_not_be_read(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery
) -> None:
    event = _enrolled(new_id())
    good = delivery.record_of(event)
    bad = Record(good.topic, 0, good.offset, good.key, good.headers, b"not json")
    assert await delivery.deliver(sample.reader, bad) is Outcome.PARKED
    item = (await _parked(client, operator, key=event.subject))[0]
    place = f"{MESSAGING}/parked/{item['position']}"
    shown = (await client.get(place, headers=operator)).json()

    answer = await client.patch(place, json={"data": event.model_dump(mode="json")}, headers=operator)

    assert shown["data_base64"] == "bm90IGpzb24="
    assert answer.status_code == 200, answer.text
    assert answer.json()["edited_at"]
    assert (await client.get(place, headers=operator)).json()["data"]["person_id"] == str(event.person_id)
    edits = [e for e in await _audited(delivery, _place(item)) if e.action == "parked.edit"]
    assert [e.details["changed"] for e in edits] == ["data"]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"data": {"person_id": "nobody"}}, "data.person_id"),
        ({"headers": {"ce_time": "noon"}}, "headers"),
        ({"headers": {"ce_type": "stoa.x.y.z.v1"}}, "headers.ce_type"),
        ({"headers": {"ce_type": None}}, "headers"),
        ({"data_base64": "???"}, "data_base64"),
        ({"headers": {"ce_id": "0197a3d1-7d02-7c94-a1f8-6b0e35d92c47"}}, None),
        ({"headers": {"a": "\x00"}}, "headers.a"),
        ({}, "body"),
    ],
)
async def test_an_edit_after_which_nobody_could_read_it_is_refused(
    client: httpx2.AsyncClient,
    operator: Headers,
    delivery: Delivery,
    broken_person: UUID,
    edit: dict[str, Any],
    field: str | None,
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)

    answer = await client.patch(f"{MESSAGING}/parked/{item['position']}", json=edit, headers=operator)

    assert answer.status_code == 422, answer.text
    assert field is None or field in [wrong["field"] for wrong in answer.json()["errors"]]
    assert (await _parked(client, operator, key=item["key"]))[0]["edited_at"] is None


async def test_a_forced_edit_is_taken(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    edit = {"data": {"strange": True}, "headers": {"x-note": "mended by hand"}, "force": True}

    answer = await client.patch(f"{MESSAGING}/parked/{item['position']}", json=edit, headers=operator)

    assert answer.status_code == 200, answer.text
    shown = (await client.get(f"{MESSAGING}/parked/{item['position']}", headers=operator)).json()
    assert (shown["data"], dict(shown["headers"])["x-note"]) == ({"strange": True}, "mended by hand")


async def test_an_event_in_somebody_elses_hands_is_left_to_them(
    client: httpx2.AsyncClient, operator: Headers, delivery: Delivery, database: Database, broken_person: UUID
) -> None:
    item = await _park_one(client, operator, delivery, broken_person)
    async with database.transaction() as session:
        await session.execute(select(parked).where(parked.c.position == item["position"]).with_for_update())
        answer = await client.post(f"{MESSAGING}/parked/{item['position']}/retry", headers=operator)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:stoa:problem:event-is-being-tried")


@pytest.mark.parametrize("position", ["0", "-1", "9223372036854775808", "1e3", "999999999"])
async def test_a_position_where_nothing_is_parked_is_no_error_of_ours(
    client: httpx2.AsyncClient, operator: Headers, position: str
) -> None:
    answer = await client.get(f"{MESSAGING}/parked/{position}", headers=operator)

    assert answer.status_code in {404, 422}
