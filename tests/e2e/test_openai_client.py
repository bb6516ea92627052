"""The official `openai` client, as its users have it, with an address and a credential of Stoa's."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import models
import openai
import pytest
from conftest import Platform
from models import MODEL, WORDS, Models
from world import World

from stoa_common.testing.ports import free_port
from stoa_devkit.state import State

#: Each test has a key of its own: so much at once, then one in three seconds, so that a slow machine earns none
#: between two requests.
AT_ONCE = 4
POLICIES = f"""
[limits.default]
key = "20/min burst {AT_ONCE}"
"""
SERVICES = ("auth", "content", "ai", "analytics", "feed")
START_SECONDS = 60
#: A test machine may be busy with other things.
PATIENCE_SECONDS = 30
ASKED: Any = {"model": MODEL, "messages": [{"role": "user", "content": "What does an outbox keep?"}]}

Gateway = Callable[[str], AbstractContextManager[str]]


def run_gateway(platform: Platform, folder: Path, v1_url: str) -> AbstractContextManager[str]:
    """A further gateway of the platform, which knows a server of models; its address."""
    state = State(Path(platform.environment["STOA_STATE_DIR"]))
    (policies := folder / "policies.toml").write_text(POLICIES)
    auth = f"http://127.0.0.1:{state.port('auth')}"
    port = free_port()
    told = {
        **{f"{name.upper()}_URL": f"http://127.0.0.1:{state.port(name)}" for name in SERVICES},
        "AUTH_JWKS_URL": f"{auth}/.well-known/jwks.json",
        "REDIS_URL": f"redis://:{state.find_secret('valkey')}@127.0.0.1:{state.port('valkey')}/0",
        "STOA_ISSUER": platform.gateway,
        "STOA_GATEWAY_PORT": str(port),
        "GATEWAY_DRAIN_SECONDS": "0",
        "GATEWAY_POLICIES": str(policies),
        "GATEWAY_V1_URL": v1_url,
    }
    return _running(f"http://127.0.0.1:{port}", {"PATH": os.environ["PATH"], **told}, folder / "gateway.log")


@contextmanager
def _running(url: str, variables: dict[str, str], log: Path) -> Iterator[str]:
    command = [str(Path(sys.executable).with_name("stoa-gateway")), "api"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=variables, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_until_ready(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            if httpx2.get(f"{url}/readyz").status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError(log.read_text())


@pytest.fixture(scope="module")
def served() -> Iterator[Models]:
    with models.serving() as started:
        yield started


@pytest.fixture
def upstream(served: Models) -> Models:
    served.forget()
    return served


@pytest.fixture(scope="module")
def gateway(platform: Platform, served: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_gateway(platform, tmp_path_factory.mktemp("v1"), served.url) as url:
        yield url


@pytest.fixture
def api_key(api: httpx2.Client, world: World) -> str:
    wanted = {"name": "Chats", "scopes": ["course:read"]}
    made = api.post("/api/v1/auth/api-keys", json=wanted, headers=world.owner.headers)
    assert made.status_code == httpx2.codes.CREATED, made.text
    return str(made.json()["key"])


@pytest.fixture
def token(world: World) -> str:
    return world.owner.headers["Authorization"].removeprefix("Bearer ")


def a_client(gateway: str, key: str, *, max_retries: int = 0) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{gateway}/v1", api_key=key, max_retries=max_retries, timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("credential", ["api_key", "token"])
def test_a_key_or_a_token_of_stoa_is_all_that_the_client_needs(
    gateway: str, upstream: Models, credential: str, request: pytest.FixtureRequest
) -> None:
    client = a_client(gateway, request.getfixturevalue(credential))

    listed = [model.id for model in client.models.list()]
    answer = client.chat.completions.create(**ASKED)

    assert listed == [MODEL]
    assert answer.choices[0].message.content == "".join(WORDS)
    assert answer.usage is not None
    assert answer.usage.total_tokens == 8
    assert upstream.asked[0]["body"] == ASKED


def test_the_upstream_gets_a_token_and_never_the_key(gateway: str, upstream: Models, api_key: str) -> None:
    a_client(gateway, api_key).chat.completions.create(**ASKED)

    headers = upstream.asked[0]["headers"]
    assert headers["Authorization"].startswith("Bearer ey")
    assert api_key not in str(headers)


def test_pieces_arrive_one_by_one(gateway: str, upstream: Models, api_key: str) -> None:
    with a_client(gateway, api_key).chat.completions.create(**ASKED, stream=True) as stream:
        pieces = iter(stream)

        # The upstream says no second word before this one was heard.
        first = next(pieces)
        upstream.go_on.set()
        rest = list(pieces)

    assert [chunk.choices[0].delta.content for chunk in (first, *rest)] == WORDS
    assert not upstream.left.is_set()


def test_a_client_that_leaves_ends_the_upstreams_work(gateway: str, upstream: Models, api_key: str) -> None:
    stream = a_client(gateway, api_key).chat.completions.create(**ASKED, stream=True)
    next(iter(stream))

    stream.close()

    assert upstream.left.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("key", ["stoa_0000000000_" + "A" * 43, "sk-of-somebody-else", "ey.ey.ey"])
def test_a_wrong_key_is_an_authentication_error(gateway: str, upstream: Models, key: str) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        a_client(gateway, key).chat.completions.create(**ASKED)

    assert problem(refused.value)["title"] == "Not logged in"
    assert not upstream.asked


def test_who_asks_too_much_is_told_when_to_come_back(gateway: str, upstream: Models, api_key: str) -> None:
    client = a_client(gateway, api_key)

    with pytest.raises(openai.RateLimitError) as refused:
        use_up(client)

    assert problem(refused.value)["type"] == "urn:stoa:problem:quota-is-exceeded"
    assert float(refused.value.response.headers["retry-after"]) > 0


def test_a_client_that_retries_waits_as_long_as_it_is_told_and_is_answered(
    gateway: str, upstream: Models, api_key: str
) -> None:
    once, patient = (a_client(gateway, api_key, max_retries=retries) for retries in (0, 2))
    with pytest.raises(openai.RateLimitError):
        use_up(once)
    upstream.forget()

    answer = patient.chat.completions.with_raw_response.create(**ASKED)

    assert answer.retries_taken == 1
    assert len(upstream.asked) == 1


def test_an_upstream_that_is_away_is_told_at_once_and_not_waited_for(
    platform: Platform, api_key: str, tmp_path: Path
) -> None:
    with run_gateway(platform, tmp_path, f"http://127.0.0.1:{free_port()}/v1") as gateway:
        with pytest.raises(openai.InternalServerError) as alone:
            a_client(gateway, api_key).chat.completions.create(**ASKED)
        # As the client is by default: it comes again by itself, when it was told to.
        with pytest.raises(openai.InternalServerError) as retried:
            a_client(gateway, api_key, max_retries=2).chat.completions.create(**ASKED)

    assert [error.value.status_code for error in (alone, retried)] == [503, 503]
    assert problem(alone.value)["type"] == "urn:stoa:problem:service-is-down"
    assert float(alone.value.response.headers["retry-after"]) > 0


def test_without_an_upstream_the_error_says_what_to_set(platform: Platform, api_key: str) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        a_client(platform.gateway, api_key).models.list()

    assert "GATEWAY_V1_URL" in problem(missing.value)["detail"]


def use_up(client: openai.OpenAI) -> None:
    """Ask more than is allowed at once."""
    for _ in range(10 * AT_ONCE):
        client.chat.completions.create(**ASKED)


def problem(error: openai.APIStatusError) -> dict[str, Any]:
    told: dict[str, Any] = error.response.json()
    assert told["status"] == error.status_code
    assert told["instance"] == error.response.headers["x-request-id"]
    return told
