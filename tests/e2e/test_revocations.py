"""A revoked token is worth nothing within a second, at the gateway and behind it; also when Redis has just lost all."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from conftest import Platform
from ending import wait_until
from redis import Redis
from world import World, invite_learner, log_in, register

from stoa_devkit.state import State

SESSIONS = "/api/v1/auth/sessions"
#: A route of each service that a learner may read.
READ = ("/api/v1/auth/me", "/api/v1/content/courses")


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
    # Nothing here speaks TLS, and to read the authorities anew takes longer than a request.
    return {httpx2.get(place, headers=headers, timeout=10, verify=False).status_code for place in places}


def wait_until_refused(places: list[str], headers: dict[str, str]) -> None:
    """Everywhere, within what is promised."""
    wait_until(lambda: statuses(places, headers) == {401}, what="a revoked token")


def test_a_log_out_is_known_everywhere(api: httpx2.Client, platform: Platform, state: State) -> None:
    ada, places = register(api), doors(platform, state)
    assert statuses(places, ada.headers) == {200}

    assert api.post("/api/v1/auth/logout", headers=ada.headers).status_code == 204

    wait_until_refused(places, ada.headers)


def test_a_log_out_is_known_everywhere_although_redis_was_flushed(
    api: httpx2.Client, platform: Platform, state: State, redis: Redis
) -> None:
    ada, places = register(api), doors(platform, state)
    other = log_in(api, ada.email)
    assert statuses(places, other.headers) == {200}
    api.post("/api/v1/auth/logout", headers=ada.headers)
    wait_until_refused(places, ada.headers)

    redis.flushall()
    assert statuses(places, ada.headers) == {401}, "what was revoked before the flush stays so"
    api.delete(SESSIONS, headers=other.headers)
    redis.flushall()

    wait_until_refused(places, other.headers)
    assert statuses(places, log_in(api, ada.email).headers) == {200}


def test_a_changed_role_asks_for_a_refresh(api: httpx2.Client, platform: Platform, state: State, world: World) -> None:
    member, places = invite_learner(api, world.owner), doors(platform, state)
    path = f"/api/v1/auth/organizations/{world.ids['organization_id']}/members/{member.person_id}"

    for roles in (["learner", "author"], ["learner"]):
        changed = api.patch(path, json={"roles": roles}, headers=world.owner.headers)
        assert changed.status_code == 200, changed.text
        wait_until_refused(places, member.headers)
        member = log_in(api, member.email)
        assert statuses(places, member.headers) == {200}
