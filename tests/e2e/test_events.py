"""Events as other teams and operators meet them: through the gateway and by `stoa events`, on a running platform."""

import json
from itertools import islice
from typing import Any

import httpx2
from conftest import Platform
from dirty_equals import IsPartialDict
from world import World, take_quiz

STREAM = "/api/v1/feed/events/stream"
REPLAY_SECONDS = 90


def test_a_stream_goes_on_after_the_last_event_that_arrived(api: httpx2.Client, world: World) -> None:
    seen = _first_of_stream(api, world, 3)

    following = _first_of_stream(api, world, 2, after=seen[2]["id"])

    feed = api.get("/api/v1/feed/events", params={"limit": 5}, headers=world.owner.headers).json()["items"]
    assert [event["data"]["id"] for event in [*seen, *following]] == [event["id"] for event in feed]


def test_what_happens_now_arrives_on_an_open_stream(api: httpx2.Client, world: World) -> None:
    graded = "stoa.content.attempt.graded.v1"
    query = {"start": "latest", "types": graded}

    with api.stream("GET", STREAM, params=query, headers=world.owner.headers) as answer:
        lines = answer.iter_lines()
        next(lines)
        take_quiz(api, world.learner, world.ids["quiz_id"])
        event = next(_events(lines))

    assert event["event"] == graded
    assert event["data"] == IsPartialDict(type=graded)
    assert event["data"]["data"] == IsPartialDict(person_id=world.learner.person_id)


def test_an_operator_rebuilds_a_group_and_finds_what_was_there_before(
    platform: Platform, api: httpx2.Client, world: World
) -> None:
    before = _indexed(api, world)

    rebuilt = platform.stoa("events", "replay", "--to", "ai.passages", "--rebuild", seconds=REPLAY_SECONDS)

    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert "0 parked" in rebuilt.stdout
    assert _indexed(api, world) == before
    assert before["ready"]


def test_a_replay_says_that_everything_was_applied_already(platform: Platform, world: World) -> None:
    arguments = ("events", "replay", "--to", "ai.passages", "--key", world.ids["course_id"])

    replayed = platform.stoa(*arguments, seconds=REPLAY_SECONDS)

    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert "0 handled" in replayed.stdout


def test_a_group_that_nobody_knows_is_refused_with_those_that_there_are(platform: Platform) -> None:
    refused = platform.stoa("events", "replay", "--to", "ai.passage")

    assert refused.returncode == 1
    assert "ai.passages" in refused.stderr


def _indexed(api: httpx2.Client, world: World) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/v1/ai/courses/{world.ids['course_id']}", headers=world.owner.headers).json()
    return found


def _first_of_stream(api: httpx2.Client, world: World, count: int, *, after: str | None = None) -> list[dict[str, Any]]:
    headers = world.owner.headers | ({"Last-Event-ID": after} if after else {})
    with api.stream("GET", STREAM, headers=headers) as answer:
        return list(islice(_events(answer.iter_lines()), count))


def _events(lines: Any) -> Any:
    """Server-sent events: `id`, `event` and the parsed `data` of each."""
    fields: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "data":
            yield fields | {"data": json.loads(value)}
            fields = {}
        elif name:
            fields[name] = value
