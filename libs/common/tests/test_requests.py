"""What every request is promised."""

import asyncio
from uuid import uuid4

import httpx2
from dirty_equals import IsPartialDict, IsStr
from sqlalchemy import func, select
from stoa_sample.service import Note

from stoa_common.database import Database
from stoa_common.testing import Delivery, Identities
from stoa_events.contracts import LearnerEnrolled

NOTES = "/api/v1/sample/notes"


async def _count(database: Database, text: str) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(Note).where(Note.text == text)) or 0


async def test_a_commit_that_fails_answers_5xx_and_leaves_nothing(
    client: httpx2.AsyncClient, database: Database, identities: Identities, delivery: Delivery
) -> None:
    caller = identities.principal("learner")

    answer = await client.post(NOTES, json={"text": "twins"}, headers=identities.headers(caller))

    assert answer.status_code >= 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert await _count(database, "twins") == 0
    assert await delivery.recorded(LearnerEnrolled, person_id=caller.person_id) == []


async def test_fifty_equal_requests_with_one_key_write_one_row_and_get_one_answer(
    client: httpx2.AsyncClient, database: Database, identities: Identities, delivery: Delivery
) -> None:
    caller = identities.principal("learner")
    headers = identities.headers(caller) | {"Idempotency-Key": str(uuid4())}

    answers = await asyncio.gather(*(client.post(NOTES, json={"text": "once"}, headers=headers) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await _count(database, "once") == 1
    assert len(await delivery.recorded(LearnerEnrolled, person_id=caller.person_id)) == 1


async def test_another_body_under_a_used_key_is_refused(client: httpx2.AsyncClient, identities: Identities) -> None:
    headers = identities.headers(identities.principal("learner")) | {"Idempotency-Key": str(uuid4())}
    await client.post(NOTES, json={"text": "first"}, headers=headers)

    answer = await client.post(NOTES, json={"text": "second"}, headers=headers)

    assert answer.status_code == 422
    assert answer.json() == IsPartialDict(type="urn:stoa:problem:idempotency-key-reused")


async def test_a_refused_request_may_be_sent_again_under_its_key(
    client: httpx2.AsyncClient, database: Database, identities: Identities
) -> None:
    headers = identities.headers(identities.principal("learner")) | {"Idempotency-Key": str(uuid4())}

    first = await client.post(NOTES, json={"text": "forbidden"}, headers=headers)
    again = await client.post(NOTES, json={"text": "forbidden"}, headers=headers)

    assert (first.status_code, again.status_code) == (409, 409)


async def test_two_people_may_use_the_same_key(client: httpx2.AsyncClient, identities: Identities) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    people = [identities.principal("learner") for _ in range(2)]

    answers = [await client.post(NOTES, json={"text": "x"}, headers=identities.headers(p) | key) for p in people]

    assert answers[0].json()["id"] != answers[1].json()["id"]


async def test_a_refusal_is_a_problem_that_says_what_to_do(client: httpx2.AsyncClient, identities: Identities) -> None:
    headers = identities.headers(identities.principal("learner"))

    answer = await client.post(NOTES, json={"text": "forbidden"}, headers=headers)

    assert answer.status_code == 409
    assert answer.json() == {
        "type": "urn:stoa:problem:note-is-forbidden",
        "title": "Conflict",
        "status": 409,
        "detail": "Write something else.",
        "instance": answer.headers["x-request-id"],
        "errors": [],
    }


async def test_wrong_fields_are_named_without_their_values(client: httpx2.AsyncClient, identities: Identities) -> None:
    headers = identities.headers(identities.principal("learner"))

    answer = await client.post(NOTES, json={"text": "s3cret" * 100}, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "text", "message": IsStr}]
    assert "s3cret" not in answer.text


async def test_a_bug_answers_500_and_tells_nothing_of_itself(
    client: httpx2.AsyncClient, identities: Identities
) -> None:
    headers = identities.headers(identities.principal("learner"))

    answer = await client.post(NOTES, json={"text": "bug"}, headers=headers)

    assert answer.status_code == 500
    assert answer.json() == IsPartialDict(type="urn:stoa:problem:internal-error", status=500)
    assert "a secret detail" not in answer.text


async def test_unknown_paths_and_methods_are_problems_too(client: httpx2.AsyncClient) -> None:
    unknown, wrong_method = await client.get("/nothing"), await client.put(NOTES)

    assert (unknown.status_code, wrong_method.status_code) == (404, 405)
    assert unknown.json() == IsPartialDict(type="urn:stoa:problem:not-found")
    assert "POST" in wrong_method.headers["allow"]


async def test_a_body_over_the_limit_is_refused(client: httpx2.AsyncClient, identities: Identities) -> None:
    headers = identities.headers(identities.principal("learner"))

    answer = await client.post(NOTES, content=b"x" * 2_000_000, headers=headers)

    assert answer.status_code == 413


async def test_a_request_id_that_came_in_goes_out_and_a_strange_one_does_not(client: httpx2.AsyncClient) -> None:
    kept = await client.get("/livez", headers={"X-Request-Id": "abc-12345678"})
    replaced = await client.get("/livez", headers={"X-Request-Id": 'x" onload="1'})

    assert kept.headers["x-request-id"] == "abc-12345678"
    assert len(replaced.headers["x-request-id"]) == 36


async def test_a_list_is_walked_whole_by_its_cursor(client: httpx2.AsyncClient, identities: Identities) -> None:
    headers = identities.headers(identities.principal("admin"))
    for number in range(5):
        await client.post(NOTES, json={"text": f"note {number}"}, headers=headers)

    texts: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await client.get(NOTES, params={"limit": 2, **after}, headers=headers)).json()
        texts += [item["text"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}

    assert texts == [f"note {number}" for number in range(5)]


async def test_a_made_up_cursor_is_refused(client: httpx2.AsyncClient, identities: Identities) -> None:
    headers = identities.headers(identities.principal("admin"))

    answers = [await client.get(NOTES, params={"after": c}, headers=headers) for c in ("!", "W10", "WyJ4Il0", "eyJ9")]

    assert {answer.status_code for answer in answers} == {422}


async def test_readiness_names_the_parts(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "parts": {"database": "ok"}})


async def test_the_document_says_who_may_call_and_that_errors_are_problems(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    write = document["paths"][NOTES]["post"]
    assert write["x-permission"] == "enrollment:create"
    assert "Idempotency-Key" in {p["name"] for p in write["parameters"]}
    assert "application/problem+json" in write["responses"]["default"]["content"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert document["openapi"].startswith("3.1")
