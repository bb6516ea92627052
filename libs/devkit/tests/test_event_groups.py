"""`stoa events` on services that show operators different things: the gateway has groups, and keeps nothing."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from stoa_devkit.events.command import events

EMPTY: dict[str, Any] = {"items": [], "next": None}


def _group(name: str, lag: int) -> dict[str, Any]:
    told = {"group": name, "door": "batch", "topics": ["auth.user"], "lag": lag, "oldest_at": None, "partitions": []}
    kept = {"parked": {"waiting": 0, "dead": 0}, "bad_events": 0, "active_replay": None, "needs_rebuild": False}
    return told | kept


ANSWERS: dict[str, dict[str, Any]] = {
    "/api/v1/content/messaging/groups": {"items": [_group("content.people", 0)], "next": None},
    "/api/v1/content/messaging/parked": EMPTY,
    "/api/v1/content/messaging/replays": EMPTY,
    "/api/v1/gateway/messaging/groups": {"items": [_group("gateway.streams", 7)], "next": None},
}


class _Gateway(BaseHTTPRequestHandler):
    """What the merged document names is there, and nothing else."""

    def do_GET(self) -> None:
        paths: dict[str, Any] = {"paths": {path: {"get": {}} for path in ANSWERS}}
        told = paths if self.path == "/openapi.json" else ANSWERS.get(self.path)
        body = json.dumps(told or {"title": "There is no such path.", "status": 404}).encode()
        self.send_response(200 if told else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("STOA_OPERATOR_TOKEN", "a-token")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(events, list(arguments))


def test_lag_shows_the_gateways_groups_too(gateway: str) -> None:
    told = _run("lag", "--json", "--gateway", gateway)

    assert {group["group"]: group["lag"] for group in json.loads(told.stdout)} == {
        "content.people": 0, "gateway.streams": 7,
    }  # fmt: skip


def test_what_is_parked_is_asked_of_those_that_park(gateway: str) -> None:
    told = _run("parked", "ls", "--gateway", gateway)

    assert (told.exit_code, told.stdout.strip()) == (0, "Nothing is parked.")


@pytest.mark.parametrize(
    "command",
    [
        ["parked", "ls", "--group", "gateway.streams"],
        ["replay", "--to", "gateway.streams"],
        ["offsets", "reset", "--group", "gateway.streams", "--to", "earliest"],
    ],
)
def test_a_group_whose_service_keeps_nothing_is_refused_in_a_sentence(gateway: str, command: list[str]) -> None:
    told = _run(*command, "--gateway", gateway)

    assert told.exit_code == 1
    assert "stoa: gateway has no database: nothing is parked for gateway.streams" in " ".join(told.stderr.split())
