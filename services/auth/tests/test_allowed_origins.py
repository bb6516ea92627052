"""An organization lists the origins whose pages may ask for its data, and the gateway learns of all of them."""

import asyncio
from typing import Any

import httpx2
import pytest

from stoa_common.testing import Delivery
from stoa_events.contracts import OrganizationOriginsChanged

from .conftest import Doors, Someone

PATH = "/api/v1/auth/allowed-origins"
INTERNAL = "/internal/origins"


async def allow(doors: Doors, who: Someone, *origins: Any) -> httpx2.Response:
    return await doors.client.put(PATH, json={"origins": list(origins)}, headers=who.headers)


async def told_to_the_gateway(doors: Doors, who: Someone) -> list[str] | None:
    answer = await doors.client.get(INTERNAL)
    found = {one["organization_id"]: one["origins"] for one in answer.json()["organizations"]}
    return found.get(str(who.organization_id))


async def test_nothing_is_listed_at_first(doors: Doors) -> None:
    owner = await doors.newcomer()

    answer = await doors.client.get(PATH, headers=owner.headers)

    assert (answer.status_code, answer.json()) == (200, {"origins": []})


async def test_an_admin_lists_origins_as_browsers_write_them(doors: Doors) -> None:
    owner = await doors.newcomer()

    answer = await allow(doors, owner, "https://Learn.Example:443", "http://localhost:3000", "https://a.example")

    assert answer.status_code == 200
    assert answer.json() == {"origins": ["http://localhost:3000", "https://a.example", "https://learn.example"]}
    assert (await doors.client.get(PATH, headers=owner.headers)).json() == answer.json()


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "null",
        "https://*.example",
        "https://a.example/",
        "https://a.example/path",
        "https://a.example?x",
        "https://a.example#x",
        "https://me@a.example",
        "https://a.example:x",
        "https://a.example:",
        "https://",
        "http://a.example",
        "ftp://a.example",
        "a.example",
        "https://a b.example",
        "https://пример.example",
        "x" * 301,
        7,
    ],
)
async def test_what_is_no_origin_is_refused(doors: Doors, wrong: Any) -> None:
    owner = await doors.newcomer()

    answer = await allow(doors, owner, "https://a.example", wrong)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "origins.1"


async def test_there_is_an_end_to_a_list(doors: Doors) -> None:
    owner = await doors.newcomer()

    answer = await allow(doors, owner, *(f"https://a{at}.example" for at in range(51)))

    assert answer.status_code == 422


async def test_who_is_no_admin_reads_and_does_not_write(doors: Doors) -> None:
    owner = await doors.newcomer()
    learner = await doors.member(owner, "learner")
    await allow(doors, owner, "https://a.example")

    assert (await allow(doors, learner, "https://b.example")).status_code == 403
    assert (await doors.client.get(PATH, headers=learner.headers)).json() == {"origins": ["https://a.example"]}


async def test_a_change_is_an_event_and_an_audit_record_once(doors: Doors, delivery: Delivery) -> None:
    owner = await doors.newcomer()

    for _ in range(2):
        assert (await allow(doors, owner, "https://b.example", "https://a.example")).status_code == 200

    events = await delivery.recorded(OrganizationOriginsChanged)
    told = [event.origins for event in events if str(event.orgid) == owner.organization_id]
    assert told == [["https://a.example", "https://b.example"]]
    query = {"action": "organization.allow-origins"}
    log = (await doors.client.get("/api/v1/auth/audit", params=query, headers=owner.headers)).json()["items"]
    assert [(one["before"], one["after"]) for one in log] == [
        ({"origins": []}, {"origins": ["https://a.example", "https://b.example"]})
    ]


async def test_two_admins_at_once_both_get_their_list_stored_whole(doors: Doors) -> None:
    owner = await doors.newcomer()
    lists = [[f"https://{name}1.example", f"https://{name}2.example"] for name in "abcd"]

    answers = await asyncio.gather(*(allow(doors, owner, *origins) for origins in lists))

    assert {answer.status_code for answer in answers} == {200}
    assert await told_to_the_gateway(doors, owner) in lists


async def test_the_gateway_learns_of_every_list_that_is_not_empty(doors: Doors) -> None:
    one, other, third = [await doors.newcomer() for _ in range(3)]
    await allow(doors, one, "https://one.example")
    await allow(doors, other, "https://other.example")
    await allow(doors, third, "https://third.example")
    await allow(doors, third)

    told = [await told_to_the_gateway(doors, who) for who in (one, other, third)]

    assert told == [["https://one.example"], ["https://other.example"], None]


async def test_the_gateway_is_told_again_only_after_a_change(doors: Doors) -> None:
    owner = await doors.newcomer()
    await allow(doors, owner, "https://one.example")
    known = {"If-None-Match": (await doors.client.get(INTERNAL)).headers["ETag"]}

    again = await doors.client.get(INTERNAL, headers=known)
    await allow(doors, owner, "https://two.example")
    after = await doors.client.get(INTERNAL, headers=known)

    assert (again.status_code, again.content) == (304, b"")
    assert after.status_code == 200
    assert after.headers["ETag"] != known["If-None-Match"]
