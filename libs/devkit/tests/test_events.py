"""`stoa events`, as an operator types it."""

import asyncio
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner, Result

from stoa_devkit.events import editing
from stoa_devkit.events.command import events
from stoa_devkit.events.showing import read_time
from stoa_devkit.ports import free_port
from stoa_devkit.trouble import Trouble

ENVELOPE = {
    "ce_specversion": "1.0",
    "ce_id": "0197a3d1-7d02-7c94-a1f8-6b0e35d92c47",
    "ce_source": "/content",
    "ce_type": "stoa.content.course.published.v1",
    "ce_subject": "a",
    "ce_time": "2026-06-24T12:00:00+00:00",
    "ce_dataschema": "urn:x",
    "ce_sequence": "3",
}
ITEM = {"headers": [["ce_type", "stoa.x.y.z.v1"], ["x-old", "1"]], "data": {"a": 1}, "data_base64": None}


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(events, list(arguments))


@pytest.mark.parametrize(
    "command",
    [
        ["lag"],
        ["parked", "ls"],
        ["parked", "show", "ai/1"],
        ["parked", "retry", "ai/1"],
        ["parked", "edit", "ai/1", "--header", "a=b"],
        ["parked", "discard", "ai/1", "--reason", "x"],
        ["replay", "--to", "ai.passages", "--rebuild", "--wait"],
        ["offsets", "reset", "--group", "ai.passages", "--to", "earliest"],
    ],
)
def test_a_gateway_that_does_not_answer_is_one_sentence(command: list[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    result = _run(*command, "--gateway", url)

    assert result.exit_code == 2
    assert f"stoa: Nothing answers at {url}" in result.stderr
    assert result.stdout == ""


def test_without_a_platform_it_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)

    for command in ("lag", "tail"):
        result = _run(command)

        assert result.exit_code == 2
        assert "stoa: Stoa does not run here: start it with `stoa up`" in result.stderr


@pytest.mark.parametrize("event", ["17", "ai", "ai/x", "ai/17/retry", "../17"])
def test_what_names_no_parked_event_is_refused_before_anything_is_asked(event: str) -> None:
    result = _run("parked", "show", event)

    assert result.exit_code == 2
    assert "names no parked event" in " ".join(result.stderr.split())


def test_a_time_that_is_none_is_refused_with_examples() -> None:
    with pytest.raises(Trouble, match="--from is 'noon'; write 2026-01-31T12:00:00Z"):
        read_time("noon", option="--from")
    assert read_time("2026-01-31", option="--from") == "2026-01-31T00:00:00+00:00"
    assert read_time("2h", option="--from") < read_time("1m", option="--from")


def test_an_edit_sends_what_was_changed_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i \'s/"a": 1/"a": 2/; s/"x-old": "1"/"x-new": "2"/\' "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))

    assert editing.by_hand(ITEM) == {"headers": {"x-new": "2", "x-old": None}, "data": {"a": 2}}


def test_an_edit_that_changes_nothing_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "true")

    assert editing.by_hand(ITEM) == {}


def test_an_edit_by_options_takes_json_and_bytes(tmp_path: Path) -> None:
    good, raw = tmp_path / "good.json", tmp_path / "raw"
    good.write_text('{"a": 1}')
    raw.write_bytes(b"\xff")

    assert editing.of_options(good, ["x=1", "y="]) == {"headers": {"x": "1", "y": None}, "data": {"a": 1}}
    assert editing.of_options(raw, []) == {"data_base64": "/w=="}
    with pytest.raises(Trouble, match="write NAME=VALUE"):
        editing.of_options(None, ["x"])
    with pytest.raises(Trouble, match="can't be read"):
        editing.of_options(tmp_path / "nowhere", [])


async def _publish(servers: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=servers)
    await producer.start()
    headers = [(name, value.encode()) for name, value in ENVELOPE.items()]
    await producer.send_and_wait(topic, b'{"title": "Stoa"}', key=b"a", headers=headers)
    await producer.send_and_wait(topic, b"poison", key=b"b", headers=[("ce_id", None)])
    await producer.stop()


async def test_tail_shows_events_and_what_is_none(
    addresses: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    servers, prefix = addresses["STOA_TEST_KAFKA_BOOTSTRAP_SERVERS"], f"tail{secrets.token_hex(4)}."
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", prefix)
    await _publish(servers, f"{prefix}content.course")

    lines = await asyncio.to_thread(_run, "tail", "--from-start", "-n", "2")
    narrowed = await asyncio.to_thread(
        _run, "tail", "--from-start", "-n", "1", "--key", "a", "--type", "stoa.content.*", "--json"
    )
    nowhere = await asyncio.to_thread(_run, "tail", "--topic", "no.such")

    assert " content.course/0@0 stoa.content.course.published.v1 #3 a " in lines.stdout.replace("\n", " ")
    assert "not an event b poison" in lines.stdout
    assert json.loads(json.loads(narrowed.stdout)["value"]) == {"title": "Stoa"}
    assert (nowhere.exit_code, "there are content.course" in nowhere.stderr) == (1, True)
