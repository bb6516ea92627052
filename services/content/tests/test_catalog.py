"""The public catalog: what an organization shows to everybody, and nothing more."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest
from content_people import API, ImportCourse, Someone

from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.messaging.handling import Outcome
from stoa_common.testing.delivery import Delivery
from stoa_content.catalog.consumers import router as catalog_events
from stoa_events.contracts import (
    CatalogClosed,
    CatalogOpened,
    CourseVisibilityChanged,
    OrganizationResumed,
    OrganizationSuspended,
)

Ask = Callable[..., Awaitable[httpx2.Response]]
ShowCourse = Callable[[], Awaitable[str]]


@pytest.fixture
def ask(client: httpx2.AsyncClient, organization_id: UUID) -> Ask:
    """Anybody, without a token, at the organization's catalog."""

    async def ask_(path: str = "", headers: dict[str, str] | None = None, **params: Any) -> httpx2.Response:
        return await client.get(f"{API}/public/{organization_id}{path}", headers=headers or {}, params=params)

    return ask_


async def _show_to(someone: Someone, course_id: str, visibility: str) -> httpx2.Response:
    path = f"{API}/courses/{course_id}/visibility"
    return await someone.client.put(path, headers=someone.headers, json={"visibility": visibility})


@pytest.fixture
def show_course(author: Someone, publish_course: ImportCourse) -> ShowCourse:
    """Publishes a course that everybody may see; its id."""

    async def show() -> str:
        course_id = await publish_course()
        assert (await _show_to(author, course_id, "public")).status_code == 200
        return course_id

    return show


async def test_a_published_course_is_public_only_when_somebody_says_so(
    ask: Ask, author: Someone, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()
    assert (await ask()).status_code == 404
    assert (await ask(f"/courses/{course_id}")).status_code == 404

    marked = await _show_to(author, course_id, "public")

    assert (marked.status_code, marked.json()["visibility"]) == (200, "public")
    assert [course["id"] for course in (await ask()).json()["items"]] == [course_id]


async def test_a_public_draft_stays_unseen_until_it_is_published(
    ask: Ask, author: Someone, import_course: ImportCourse
) -> None:
    course_id = await import_course()
    await _show_to(author, course_id, "public")
    assert (await ask()).status_code == 404

    await author.post(f"/courses/{course_id}/publish")

    assert (await ask(f"/courses/{course_id}")).status_code == 200


async def test_everybody_sees_titles_and_no_text_nor_anything_that_leads_to_it(
    ask: Ask, show_course: ShowCourse
) -> None:
    course_id = await show_course()

    course = (await ask(f"/courses/{course_id}")).json()

    assert set(course) == {
        *("id", "title", "language", "description", "lesson_count", "question_count", "published_at", "chapters")
    }
    assert course["chapters"][0].keys() == {"title", "lessons"}
    assert [title for chapter in course["chapters"] for title in chapter["lessons"]] == [
        "Why leaves are green",
        "What plants are",
        "Tubers",
    ]


async def test_what_is_withdrawn_is_gone(ask: Ask, author: Someone, show_course: ShowCourse) -> None:
    course_id = await show_course()

    await _show_to(author, course_id, "organization")

    assert ((await ask()).status_code, (await ask(f"/courses/{course_id}")).status_code) == (404, 404)
    assert (await author.get(f"/courses/{course_id}")).status_code == 200


async def test_who_sees_a_course_is_decided_by_authors_of_its_organization_alone(
    learner: Someone, stranger: Someone, publish_course: ImportCourse
) -> None:
    course_id = await publish_course()

    assert (await _show_to(learner, course_id, "public")).status_code == 403
    assert (await _show_to(stranger, course_id, "public")).status_code == 404


async def test_a_decision_is_recorded_once(
    delivery: Delivery, author: Someone, organization_id: UUID, import_course: ImportCourse
) -> None:
    course_id = await import_course()

    for visibility in ("organization", "public", "public", "organization"):
        await _show_to(author, course_id, visibility)

    recorded = await delivery.recorded(CourseVisibilityChanged, organization_id=organization_id)
    assert [(str(each.course_id), each.visibility) for each in recorded] == [
        (course_id, "public"),
        (course_id, "organization"),
    ]


async def test_an_unknown_visibility_is_refused(author: Someone, import_course: ImportCourse) -> None:
    refused = await _show_to(author, await import_course(), "secret")

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "visibility")


async def test_a_suspended_organization_shows_nothing_until_it_is_resumed(
    ask: Ask, delivery: Delivery, organization_id: UUID, show_course: ShowCourse
) -> None:
    course_id = await show_course()
    suspended = OrganizationSuspended(organization_id=organization_id, suspended_at=clock.now())

    assert await delivery.deliver(catalog_events, suspended) is Outcome.HANDLED

    refused = await ask()
    assert (refused.status_code, (await ask(f"/courses/{course_id}")).status_code) == (404, 404)
    assert "Cache-Control" not in refused.headers
    await delivery.deliver(catalog_events, OrganizationResumed(organization_id=organization_id, resumed_at=clock.now()))
    assert (await ask()).status_code == 200


async def test_a_second_delivery_changes_nothing(
    ask: Ask, delivery: Delivery, organization_id: UUID, show_course: ShowCourse
) -> None:
    await show_course()
    suspended = delivery.record_of(OrganizationSuspended(organization_id=organization_id, suspended_at=clock.now()))
    await delivery.deliver(catalog_events, suspended)
    await delivery.deliver(catalog_events, OrganizationResumed(organization_id=organization_id, resumed_at=clock.now()))

    again = await delivery.deliver(catalog_events, suspended)

    assert again is not Outcome.HANDLED
    assert (await ask()).status_code == 200


async def test_a_failed_handling_leaves_no_inbox_record(
    ask: Ask, delivery: Delivery, organization_id: UUID, show_course: ShowCourse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("for this test")

    await show_course()
    record = delivery.record_of(OrganizationSuspended(organization_id=organization_id, suspended_at=clock.now()))
    monkeypatch.setattr("stoa_content.catalog.service.suspend", fail)

    await delivery.deliver(catalog_events, record)

    assert not await delivery.has_inbox_entry(catalog_events, record)
    assert (await ask()).status_code == 200


async def test_the_world_is_told_when_a_catalog_closes_and_opens(delivery: Delivery, organization_id: UUID) -> None:
    at = clock.now()

    await delivery.deliver(catalog_events, OrganizationSuspended(organization_id=organization_id, suspended_at=at))
    await delivery.deliver(catalog_events, OrganizationResumed(organization_id=organization_id, resumed_at=at))

    closed = await delivery.recorded(CatalogClosed, organization_id=organization_id)
    opened = await delivery.recorded(CatalogOpened, organization_id=organization_id)
    assert [each.closed_at for each in closed] == [at]
    assert [each.opened_at for each in opened] == [at]


async def test_another_organizations_catalog_has_none_of_it(
    client: httpx2.AsyncClient, show_course: ShowCourse
) -> None:
    course_id = await show_course()

    assert (await client.get(f"{API}/public/{new_id()}")).status_code == 404
    assert (await client.get(f"{API}/public/{new_id()}/courses/{course_id}")).status_code == 404


async def test_the_catalog_goes_on_page_by_page(ask: Ask, show_course: ShowCourse) -> None:
    ids = [await show_course() for _ in range(3)]

    first = (await ask(limit=2)).json()
    second = (await ask(limit=2, after=first["next"])).json()

    assert [course["id"] for course in first["items"] + second["items"]] == ids
    assert second["next"] is None


async def test_what_is_known_already_is_not_sent_again(ask: Ask, author: Someone, show_course: ShowCourse) -> None:
    first, second = await show_course(), await show_course()
    answer = await ask()
    tag = answer.headers["ETag"]

    known = await ask(headers={"If-None-Match": f'"other", W/{tag}'})

    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
    assert known.headers["Cache-Control"] == answer.headers["Cache-Control"]
    await _show_to(author, second, "organization")
    changed = await ask(headers={"If-None-Match": tag})
    assert (changed.status_code, [course["id"] for course in changed.json()["items"]]) == (200, [first])


async def test_answers_say_how_long_they_may_be_kept(ask: Ask, show_course: ShowCourse) -> None:
    course_id = await show_course()

    for answer in (await ask(), await ask(f"/courses/{course_id}")):
        told = answer.headers["Cache-Control"]
        assert told.startswith("public, max-age=")
        assert "stale-while-revalidate=" in told


async def test_what_comes_in_is_not_public(author: Someone, import_course: ImportCourse) -> None:
    course_id = await import_course()

    assert (await author.get(f"/courses/{course_id}")).json()["visibility"] == "organization"
