"""`/api/v1/stream`: people are told what concerns them, once, and miss nothing when they come back."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from dirty_equals import IsPartialDict

sys.path.insert(0, str(Path(__file__).parent))

from gateway_streams import PATH, Follower, Gateway, a_gateway, enrolled, published

from stoa_common import clock
from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.security import Principal
from stoa_common.service import Service
from stoa_common.testing import Identities
from stoa_common.testing.servers import Servers
from stoa_events.contracts import (
    OPERATIONS,
    CoursePublished,
    LearnerEnrolled,
    MemberJoined,
    PasswordChanged,
    UserErased,
    UserRegistered,
)
from stoa_events.testkit import an_event
from stoa_gateway.streams import domain


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(
    service: Service, resources: Resources, identities: Identities, servers: Servers, served: Any, bound: Any
) -> AsyncIterator[Gateway]:
    url = servers.redis_url
    async with a_gateway(
        service.build_app, resources, identities, served, bound, redis_url=url, direct_url=url, most=100
    ) as opened:
        yield opened


@pytest.fixture
def ada(identities: Identities) -> Principal:
    return identities.principal("learner")


async def test_a_person_is_told_what_happened_to_them_and_where_to_read_it(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()
    event = enrolled(ada)

    await gateway.tell(event)

    told = await stream.next()
    assert (told.name, told.id) == (LearnerEnrolled.type, stream.last_id)
    assert told.data == IsPartialDict(
        resource=f"/api/v1/content/enrollments/{event.enrollment_id}",
        organization_id=str(ada.organization_id),
        data={"enrollment_id": str(event.enrollment_id), "course_id": str(event.course_id)},
    )
    assert stream.answer.headers["Content-Type"].startswith("text/event-stream")
    assert stream.answer.headers["X-Accel-Buffering"] == "no"


async def test_a_job_tells_how_far_it_is(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()
    contract = OPERATIONS["content"].job_progressed

    await gateway.tell(
        an_event(contract, person_id=ada.person_id, acts_for=ada.organization_id, progress=0.5, status="running")
    )

    told = await stream.next()
    assert told.name == "stoa.content.job.progressed.v1"
    assert told.data["data"] == IsPartialDict(progress=0.5, status="running", kind="course.import")
    assert told.data["resource"].startswith("/api/v1/content/jobs/")


async def test_nobody_is_told_of_others_nor_of_what_is_theirs_elsewhere(
    gateway: Gateway, identities: Identities
) -> None:
    ada = identities.principal("learner")
    bob = identities.principal("learner", organization_id=ada.organization_id)
    stream = await (await gateway.follow(ada)).begun()

    await gateway.tell(enrolled(bob), enrolled(ada, organization_id=new_id()), enrolled(ada))

    told = await stream.next()
    assert told.data["organization_id"] == str(ada.organization_id)
    assert told.data["data"]["enrollment_id"]


async def test_what_concerns_an_account_is_told_wherever_the_person_acts(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()

    await gateway.tell(
        an_event(PasswordChanged, person_id=ada.person_id),
        an_event(MemberJoined, person_id=ada.person_id, organization_id=new_id()),
    )

    assert [(await stream.next()).name for _ in range(2)] == [PasswordChanged.type, MemberJoined.type]


async def test_a_published_course_is_told_to_all_of_its_organization_who_may_read_it(
    gateway: Gateway, identities: Identities
) -> None:
    ada = identities.principal("learner")
    bob = identities.principal("learner", organization_id=ada.organization_id)
    machine = identities.principal("learner", organization_id=ada.organization_id)
    streams = [await (await gateway.follow(who)).begun() for who in (ada, bob)]
    other = await (await gateway.follow(machine, permissions=["account:read:own", "job:read:own"])).begun()

    await gateway.tell(published(ada.organization_id))
    await gateway.tell(an_event(OPERATIONS["ai"].job_progressed, person_id=machine.person_id, acts_for=None))

    assert [(await stream.next()).name for stream in streams] == [CoursePublished.type] * 2
    assert (await other.next()).name == "stoa.ai.job.progressed.v1"


async def test_nothing_personal_is_told(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()

    await gateway.tell(an_event(UserRegistered, person_id=ada.person_id), enrolled(ada))

    assert (await stream.next()).name == LearnerEnrolled.type


async def test_who_comes_back_is_told_what_they_missed_in_order_and_nothing_twice(
    gateway: Gateway, ada: Principal
) -> None:
    stream = await (await gateway.follow(ada)).begun()
    await gateway.tell(enrolled(ada))
    seen = await stream.next()
    stream.answer.close()
    missed = [enrolled(ada), published(ada.organization_id), enrolled(ada)]

    await gateway.tell(*missed)
    again = await gateway.follow(ada, after=seen.id)
    now = [await again.next() for _ in missed]
    await gateway.tell(last := enrolled(ada))

    told = [*now, await again.next()]
    assert [one.data["resource"].rpartition("/")[2] for one in told] == [event.subject for event in [*missed, last]]


async def test_who_was_told_nothing_yet_comes_back_to_what_happened_meanwhile(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()
    stream.answer.close()

    await gateway.tell(enrolled(ada))
    again = await gateway.follow(ada, after=stream.last_id)

    assert (await again.next()).name == LearnerEnrolled.type


async def test_the_place_may_stand_in_the_address(gateway: Gateway, ada: Principal, identities: Identities) -> None:
    stream = await (await gateway.follow(ada)).begun()
    await gateway.tell(enrolled(ada))

    answer = await gateway.http.get(PATH, params={"after": stream.last_id}, headers=identities.headers(ada))

    assert (await Follower(answer).next()).name == LearnerEnrolled.type


async def test_a_clock_that_was_set_back_hides_nothing(gateway: Gateway, ada: Principal) -> None:
    ahead = f"{int(clock.now().timestamp() * 1000) + 60_000}-5"
    await gateway.redis.hset(f"{gateway.prefix}{{stoa:streams}}:1:state", "last", ahead)
    stream = await (await gateway.follow(ada)).begun()

    await gateway.tell(enrolled(ada), enrolled(ada))

    assert [(await stream.next()).id.partition("-")[2] for _ in range(2)] == ["6", "7"]


async def test_an_event_that_comes_again_from_kafka_is_told_once(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()
    event, event_id = enrolled(ada), new_id()

    await gateway.tell(event, id=event_id)
    await gateway.tell(event, id=event_id)
    await gateway.tell(last := enrolled(ada))

    told = [(await stream.next()).data["resource"].rpartition("/")[2] for _ in range(2)]
    assert told == [event.subject, last.subject]


@pytest.mark.parametrize("place", ["1-0", "nonsense", "99999999999999-0", "-"])
async def test_a_place_that_is_not_held_begins_anew(gateway: Gateway, ada: Principal, place: str) -> None:
    stream = await gateway.follow(ada, after=place)

    told = await stream.next()

    assert (told.name, told.data["status"]) == ("reset", 410)
    await gateway.tell(enrolled(ada))
    assert (await (await gateway.follow(ada, after=told.id)).next()).name == LearnerEnrolled.type


async def test_who_missed_more_than_is_kept_begins_anew(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()
    stream.answer.close()

    await gateway.tell(*(enrolled(ada) for _ in range(450)))

    assert (await (await gateway.follow(ada, after=stream.last_id)).next()).name == "reset"


async def test_what_is_older_than_what_is_kept_is_not_told(gateway: Gateway, ada: Principal) -> None:
    stream = await (await gateway.follow(ada)).begun()

    await gateway.tell(enrolled(ada), time=clock.now() - timedelta(days=2))
    await gateway.tell(last := enrolled(ada))

    assert (await stream.next()).data["resource"].endswith(last.subject)


async def test_who_was_erased_leaves_no_stream_and_gets_none_again(gateway: Gateway, ada: Principal) -> None:
    await gateway.tell(enrolled(ada))

    await gateway.tell(an_event(UserErased, person_id=ada.person_id))
    await gateway.tell(enrolled(ada))

    stream = await gateway.follow(ada)
    await stream.begun()
    person = domain.digest(ada.person_id)
    assert [key.rpartition(":")[0].rpartition(":")[2] for key in await gateway.keys() if person in key] == ["gone"]
    [live] = [key for key in await gateway.keys() if key.endswith(":live")]
    told = str(await gateway.redis.xrange(live))
    assert person in told
    assert not [text for text in (str(ada.person_id), ada.person_id.hex) if text in told]


async def test_a_person_holds_only_so_many_streams(gateway: Gateway, ada: Principal, identities: Identities) -> None:
    streams = [await (await gateway.follow(ada)).begun() for _ in range(3)]

    async with gateway.http.get(PATH, headers=identities.headers(ada)) as refused:
        assert refused.status == 429
        assert (await refused.json(content_type=None))["type"] == "urn:stoa:problem:too-many-streams"
    streams[0].answer.close()

    async with asyncio.timeout(10):
        while (await gateway.http.get(PATH, headers=identities.headers(ada))).status == 429:
            await asyncio.sleep(0.1)


async def test_strangers_and_other_methods_are_refused(
    gateway: Gateway, ada: Principal, identities: Identities
) -> None:
    headers = identities.headers(ada)

    key = {"Authorization": f"Bearer {identities.token(ada, permissions=['job:read:own'])}"}

    answers = [await gateway.http.get(PATH), await gateway.http.post(PATH, headers=headers)]
    answers += [await gateway.http.get(PATH, headers=key)]

    assert [answer.status for answer in answers] == [401, 405, 403]
    assert answers[1].headers["Allow"] == "GET"
    assert answers[0].headers["Content-Type"] == "application/problem+json"


async def test_the_document_names_the_stream(http: aiohttp.ClientSession) -> None:
    answer = await http.get("/openapi.json")

    operation = (await answer.json(content_type=None))["paths"][PATH]["get"]
    assert operation["operationId"] == "gateway_stream_notices"
    assert operation["security"]
    assert "stoa.content.course.published.v1" in operation["description"]
