"""The programs under examples/, run as their pages say, with what they declare and nothing else."""

import ast
import asyncio
import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest

from stoa_events.contracts import LearnerEnrolled
from stoa_events.testkit import a_delivery, an_event, as_json, new_id, now, publish
from stoa_events.webhooks import secret_of, sign

from .conftest import until

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
README = Path(__file__).resolve().parents[1] / "README.md"
OURS = ("subscriber", "webhook_receiver")
SECRET = secret_of(b"k" * 32)
Start = Callable[[str, Mapping[str, str], tuple[str, ...]], "subprocess.Popen[str]"]


def _shown() -> list[str]:
    """The Python on the package's page; first the whole program."""
    return re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts an example in an empty folder; its output is in `out`."""
    started: list[subprocess.Popen[str]] = []

    def start_example(
        name: str, variables: Mapping[str, str], arguments: tuple[str, ...] = ()
    ) -> "subprocess.Popen[str]":
        with (tmp_path / "out").open("a") as out:
            program = subprocess.Popen(
                [sys.executable, str(EXAMPLES / name / "main.py"), *arguments],
                cwd=tmp_path,
                env={"PATH": os.environ["PATH"], **variables},
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )
        started.append(program)
        return program

    yield start_example
    for program in started:
        program.kill()
        program.wait(10)


@pytest.mark.parametrize("name", OURS)
def test_an_example_imports_only_what_it_declares(name: str) -> None:
    tree = ast.parse((EXAMPLES / name / "main.py").read_text())
    imported = {
        module.partition(".")[0]
        for node in ast.walk(tree)
        for module in ([node.module or ""] if isinstance(node, ast.ImportFrom) else _names(node))
    }
    declared = tomllib.loads((EXAMPLES / name / "pyproject.toml").read_text())["project"]["dependencies"]

    assert imported - sys.stdlib_module_names == {"stoa_events"}
    assert declared == ["stoa-events[kafka]" if name == "subscriber" else "stoa-events"]


def test_the_packages_page_shows_the_subscriber_as_it_is() -> None:
    assert (EXAMPLES / "subscriber" / "main.py").read_text() in _shown()


@pytest.mark.parametrize("number", range(1, len(_shown())))
def test_what_the_packages_page_shows_runs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    exec(compile(_shown()[number], f"{README.name}, block {number}", "exec"), {})


@pytest.mark.slow
async def test_the_subscriber_counts_each_learner_once_although_it_is_killed(
    kafka: str, prefix: str, tmp_path: Path, start: Start
) -> None:
    variables = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "KAFKA_TOPIC_PREFIX": prefix, "INSTANCE": "example-0"}
    events = [an_event(LearnerEnrolled, enrollment_id=new_id()) for _ in range(40)]

    await publish(kafka, *events[:20], topic_prefix=prefix)
    program = start("subscriber", variables, ())
    await until(lambda: "has 1 learners" in (tmp_path / "out").read_text())
    program.kill()
    program.wait(10)
    await publish(kafka, *events[20:], topic_prefix=prefix)
    program = start("subscriber", variables, ())
    await until(lambda: _learners(tmp_path) >= 40)
    program.send_signal(signal.SIGTERM)

    assert await asyncio.to_thread(program.wait, 30) == 0
    assert _learners(tmp_path) == 40
    assert "Traceback" not in (tmp_path / "out").read_text()


async def test_the_subscriber_forgets_ids_after_thirty_days(tmp_path: Path, start: Start) -> None:
    with closing(sqlite3.connect(tmp_path / "enrollments.sqlite")) as database, database:
        database.execute("CREATE TABLE inbox (event_id TEXT PRIMARY KEY, handled_at TEXT)")
        for days in (29, 31):
            database.execute(f"INSERT INTO inbox VALUES ('{days} days', datetime('now', '-{days} days'))")

    start("subscriber", {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, ())

    await until(lambda: _ids(tmp_path) == ["29 days"])


def _ids(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "enrollments.sqlite")) as database:
        return [event_id for (event_id,) in database.execute("SELECT event_id FROM inbox")]


def test_the_subscriber_says_what_it_needs(tmp_path: Path, start: Start) -> None:
    program = start("subscriber", {}, ())

    assert program.wait(30) == 1
    assert "Set KAFKA_BOOTSTRAP_SERVERS" in (tmp_path / "out").read_text()


async def test_the_receiver_takes_what_is_signed_and_refuses_the_rest(tmp_path: Path, start: Start) -> None:
    port = _free_port()
    start("webhook_receiver", {"STOA_WEBHOOK_SECRET": SECRET}, (str(port),))
    headers, body = a_delivery(an_event(LearnerEnrolled), SECRET)
    _, forged = a_delivery(an_event(LearnerEnrolled), SECRET)
    await until(lambda: _answers(port))

    statuses = [await asyncio.to_thread(_post, port, headers, sent) for sent in (body, forged)]

    assert statuses == [204, 401]
    assert await asyncio.to_thread(_announce, port, 1_000_001) == 413, "refused before it is sent"
    assert f"{headers['webhook-id']}: a learner enrolled in" in (tmp_path / "out").read_text()


async def test_the_receiver_takes_what_is_signed_and_cannot_be_read_and_says_so(tmp_path: Path, start: Start) -> None:
    port = _free_port()
    start("webhook_receiver", {"STOA_WEBHOOK_SECRET": SECRET}, (str(port),))
    broken = [b"no event", as_json(an_event(LearnerEnrolled)).replace(b'"course_id":', b'"other":')]
    await until(lambda: _answers(port))

    statuses = [await asyncio.to_thread(_post, port, _signed(body), body) for body in broken]

    assert statuses == [204, 204]
    assert (tmp_path / "out").read_text().count("a-delivery can't be read: ") == 2
    assert "Traceback" not in (tmp_path / "out").read_text()


def _signed(body: bytes) -> dict[str, str]:
    return sign(body, delivery_id="a-delivery", at=now(), secrets=[SECRET])


def test_the_receiver_says_what_it_needs(tmp_path: Path, start: Start) -> None:
    program = start("webhook_receiver", {"STOA_WEBHOOK_SECRET": "hunter2"}, ("8080",))

    assert program.wait(30) == 1
    assert (tmp_path / "out").read_text().startswith("Usage:")


def _names(node: ast.AST) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _learners(folder: Path) -> int:
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(folder / "enrollments.sqlite")) as database:
        [(learners,)] = database.execute("SELECT coalesce(sum(learners), 0) FROM courses")
        return int(learners)
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _announce(port: int, size: int) -> int:
    """The status that a body of this size gets when nothing of it came yet."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("content-length", str(size))
        connection.endheaders()
        return connection.getresponse().status


def _post(port: int, headers: dict[str, str], body: bytes) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
