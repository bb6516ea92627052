"""The pull feed as its subscribers see it."""

from typing import Any
from uuid import UUID

import httpx2
import pytest
from dirty_equals import IsStr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoa_common.ids import new_id
from stoa_common.pages import encode_cursor
from stoa_common.security import Principal
from stoa_common.testing import Identities
from stoa_events.contracts import CourseImported, LessonPublished

EVENTS = "/api/v1/feed/events"


@pytest.fixture
def read(client: httpx2.AsyncClient, identities: Identities, admin: Principal) -> Any:
    async def read(reader: Principal = admin, status: int = 200, **query: Any) -> dict[str, Any]:
        answer = await client.get(EVENTS, params=query, headers=identities.headers(reader))
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        return body

    return read


async def test_an_event_is_shown_as_a_cloud_event(copy: Any, make: Any, read: Any, organization_id: UUID) -> None:
    lesson = make.lesson(organization_id)
    record = make.record(lesson, sequence=4, correlationid="request-1", traceparent="00-1-2-01")

    await copy([record])

    assert (await read())["items"] == [
        {
            "specversion": "1.0",
            "id": str(record.envelope.id),
            "source": "/content",
            "type": LessonPublished.type,
            "subject": str(lesson.course_id),
            "time": IsStr(),
            "datacontenttype": "application/json",
            "dataschema": LessonPublished.dataschema(),
            "sequence": 4,
            "orgid": str(organization_id),
            "feednumber": 1,
            "correlationid": "request-1",
            "traceparent": "00-1-2-01",
            "data": lesson.model_dump(mode="json"),
        }
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), max_size=14), st.integers(1, 5), st.booleans(), st.data())
async def test_a_walk_sees_every_event_once_in_order_whatever_comes_in_between(
    copy: Any, make: Any, read: Any, identities: Identities,
    kinds: list[bool], limit: int, filters: bool, data: st.DataObject,
) -> None:  # fmt: skip
    organization_id = new_id()
    reader = identities.principal("admin", organization_id=organization_id)
    records = [make.record(a_course(organization_id) if kind else make.lesson(organization_id)) for kind in kinds]
    expected = [str(r.envelope.id) for r in records if not filters or r.envelope.type == LessonPublished.type]
    query: dict[str, Any] = {"limit": limit} | ({"types": LessonPublished.type} if filters else {})

    seen: list[str] = []
    copied = 0
    for _ in range(60):
        if copied < len(records):
            step = data.draw(st.integers(1, 4))
            await copy(records[copied : copied + step])
            copied += step
        page = await read(reader, **query)
        seen += [item["id"] for item in page["items"]]
        query["after"] = page["next"]
        if copied >= len(records) and not page["items"]:
            break

    assert seen == expected


def a_course(organization_id: UUID) -> CourseImported:
    from stoa_common import clock

    fields: dict[str, Any] = {"title": "t", "source_format": "markdown", "lesson_count": 1, "question_count": 0}
    return CourseImported(course_id=new_id(), organization_id=organization_id, imported_at=clock.now(), **fields)


async def test_the_place_is_kept_at_the_end_and_past_what_a_filter_leaves_out(
    copy: Any, make: Any, read: Any, organization_id: UUID
) -> None:
    await copy([make.record(make.lesson(organization_id)) for _ in range(3)])

    none_yet = await read(types=CourseImported.type)
    await copy([make.record(a_course(organization_id))])
    after = await read(types=CourseImported.type, after=none_yet["next"])

    assert none_yet["items"] == []
    assert [item["feednumber"] for item in after["items"]] == [4]
    assert (await read(after=none_yet["next"]))["items"] == after["items"]


async def test_an_empty_feed_has_a_place_to_wait_at(copy: Any, make: Any, read: Any, organization_id: UUID) -> None:
    empty = await read()
    await copy([make.record(make.lesson(organization_id))])

    assert empty["items"] == []
    assert len((await read(after=empty["next"]))["items"]) == 1


async def test_types_may_be_repeated_or_listed(copy: Any, make: Any, read: Any, organization_id: UUID) -> None:
    await copy([make.record(make.lesson(organization_id)), make.record(a_course(organization_id))])

    for types in ([LessonPublished.type, CourseImported.type], f"{LessonPublished.type}, {CourseImported.type},"):
        assert len((await read(types=types))["items"]) == 2
    assert len((await read(types=LessonPublished.type))["items"]) == 1


async def test_an_unknown_type_is_named(read: Any) -> None:
    problem = await read(types=f"{LessonPublished.type},stoa.content.course.burned.v1", status=422)

    assert problem["type"] == "urn:stoa:problem:event-type-is-unknown"
    assert problem["errors"] == [{"field": "types", "message": "stoa.content.course.burned.v1 is no event type."}]


@pytest.mark.parametrize("cursor", ["x", "%%%", "é", "WyJhIl0", "bnVsbA", "", encode_cursor(["a", "1"])])
async def test_what_is_no_cursor_is_refused(read: Any, cursor: str) -> None:
    assert (await read(after=cursor, status=422))["type"] == "urn:stoa:problem:bad-cursor"


@pytest.mark.parametrize("number", ["-1", "1", str(2**63), "9" * 400, "1.5"])
async def test_a_place_that_the_feed_never_had_is_refused(read: Any, organization_id: UUID, number: str) -> None:
    await read(after=encode_cursor([organization_id, number]), status=422)


async def test_another_organizations_cursor_is_refused(
    copy: Any, make: Any, read: Any, identities: Identities, organization_id: UUID
) -> None:
    await copy([make.record(make.lesson(organization_id))])
    theirs = identities.principal("admin")

    page = await read()

    assert (await read(theirs))["items"] == []
    await read(theirs, after=page["next"], status=422)


@pytest.mark.parametrize("role", ["learner", "author", "operator"])
async def test_only_admins_read_the_feed(read: Any, identities: Identities, role: str) -> None:
    await read(identities.principal(role), status=403)


async def test_a_stranger_without_a_token_reads_nothing(client: httpx2.AsyncClient) -> None:
    assert (await client.get(EVENTS)).status_code == 401


async def test_large_events_make_a_page_end_early_and_none_is_skipped(
    copy: Any, make: Any, read: Any, organization_id: UUID
) -> None:
    texts = [str(n) * 880_000 for n in range(9)]
    await copy([make.record(make.lesson(organization_id, text=text)) for text in texts])

    first = await read()
    second = await read(after=first["next"])

    assert len(first["items"]) < 9
    assert [item["data"]["text"][0] for item in first["items"] + second["items"]] == [str(n) for n in range(9)]


async def test_data_arrive_exactly_as_they_were_sent(
    client: httpx2.AsyncClient, copy: Any, make: Any, identities: Identities, admin: Principal, organization_id: UUID
) -> None:
    value = b'{"b": 1.10, "a":  1e2, "big": 123456789012345678901234567890, "nul": "\\u0000", "x": "\xc3\xa9"}'
    await copy([make.record(make.lesson(organization_id), value=value)])

    answer = await client.get(EVENTS, headers=identities.headers(admin))

    assert value in answer.content
