"""A revoked token is worth nothing within a second, at the gateway and behind it; also when Redis has just lost all."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from conftest import Platform
from redis import Redis
from world import World, invite_learner, log_in, register

from stoa_devkit.state import State

SESSIONS = "/api/v1/auth/sessions"
#: A route of each service that a learner may read.
READ = ("/api/v1/auth/me", "/api/v1/content/courses")
#: The platform promises one second; the rest is for a test machine that is busy with other things.
LONGEST_SECONDS = 3.0


@pytest.fixture(scope="module")
def state(platform: Platform) -> State:
    return State(Path(platform.environment["STOA_STATE_DIR"]))


@pytest.fixture(scope="module")
def redis(state: State) -> Iterator[Redis]:
    with Redis(host="127.0.0.1", port=state.port("valkey"), password=state.find_secret("valkey")) as client:
        yield client


def doors(platform: Platform, state: State) -> list[str]:
    """The gateway, and the services themselves: nobody relies on who asked before."""
    behind = [f"http://127.0.0.1:{state.port(service)}" for service in ("auth", "content")]
    return [*(platform.gateway + path for path in READ), *(url + path for url, path in zip(behind, READ, strict=True))]


def statuses(places: list[str], headers: dict[str, str]) -> set[int]:
    return {httpx2.get(place, headers=headers, timeout=10).status_code for place in places}


def seconds_until_refused(places: list[str], headers: dict[str, str]) -> float:
    began = time.monotonic()
    while statuses(places, headers) != {401}:
        assert time.monotonic() - began < LONGEST_SECONDS, "a revoked token is still taken"
        time.sleep(0.02)
    return time.monotonic() - began


def test_a_log_out_is_known_everywhere(api: httpx2.Client, platform: Platform, state: State) -> None:
    ada, places = register(api), doors(platform, state)
    assert statuses(places, ada.headers) == {200}

    assert api.post("/api/v1/auth/logout", headers=ada.headers).status_code == 204

    assert seconds_until_refused(places, ada.headers) < LONGEST_SECONDS


def test_a_log_out_is_known_everywhere_although_redis_was_flushed(
    api: httpx2.Client, platform: Platform, state: State, redis: Redis
) -> None:
    ada, places = register(api), doors(platform, state)
    other = log_in(api, ada.email)
    assert statuses(places, other.headers) == {200}
    api.post("/api/v1/auth/logout", headers=ada.headers)
    seconds_until_refused(places, ada.headers)

    redis.flushall()
    assert statuses(places, ada.headers) == {401}, "what was revoked before the flush stays so"
    api.delete(SESSIONS, headers=other.headers)
    redis.flushall()

    assert seconds_until_refused(places, other.headers) < LONGEST_SECONDS
    assert statuses(places, log_in(api, ada.email).headers) == {200}


def test_a_changed_role_asks_for_a_refresh(api: httpx2.Client, platform: Platform, state: State, world: World) -> None:
    member, places = invite_learner(api, world.owner), doors(platform, state)
    path = f"/api/v1/auth/organizations/{world.ids['organization_id']}/members/{member.person_id}"

    for roles in (["learner", "author"], ["learner"]):
        changed = api.patch(path, json={"roles": roles}, headers=world.owner.headers)
        assert changed.status_code == 200, changed.text
        seconds_until_refused(places, member.headers)
        member = log_in(api, member.email)
        assert statuses(places, member.headers) == {200}
