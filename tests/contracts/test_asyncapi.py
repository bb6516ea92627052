"""The AsyncAPI document is valid by the official schema, and true of what it refers to."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from stoa_devkit.contracts.asyncapi import document
from stoa_devkit.contracts.envelopes import ALWAYS, HEADERS
from stoa_events.contracts import REGISTRY, TOPICS
from stoa_events.envelope import Envelope

DOCUMENT = document(REGISTRY)
OFFICIAL = jsonschema_rs.validator_for(json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text()))


def everywhere(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from everywhere(each)
    elif isinstance(value, list):
        for each in value:
            yield from everywhere(each)


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def errors(found: dict[str, Any]) -> list[str]:
    return [error.message[:300] for error in OFFICIAL.iter_errors(found)]


def test_the_document_is_valid_by_the_official_schema() -> None:
    assert errors(DOCUMENT) == []


@pytest.mark.parametrize(
    "broken",
    [
        {name: value for name, value in DOCUMENT.items() if name != "info"},
        {**DOCUMENT, "operations": {"a": {"action": "publish", "channel": {"$ref": "#/channels/auth.user"}}}},
        {**DOCUMENT, "channels": {"a": {"address": 7}}},
        {**DOCUMENT, "channels": {"a": {"address": "a", "bindings": {"kafka": {"partitions": 0}}}}},
    ],
    ids=["no info", "no such action", "no address", "no partition"],
)
def test_a_document_that_is_not_valid_is_seen(broken: dict[str, Any]) -> None:
    assert errors(broken)


def test_every_reference_leads_somewhere() -> None:
    references = [each["$ref"] for each in everywhere(DOCUMENT) if "$ref" in each]

    assert references
    assert all(isinstance(resolved(reference), dict) for reference in references)


def test_every_event_is_sent_once_on_its_topic() -> None:
    sent = [message["$ref"] for operation in DOCUMENT["operations"].values() for message in operation["messages"]]

    assert sorted(reference.rpartition("/")[2] for reference in sent) == sorted(REGISTRY)
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} >= set(TOPICS)


@pytest.mark.parametrize("type_", REGISTRY)
def test_an_example_fits_the_schemas_of_its_message(type_: str) -> None:
    message = resolved(f"#/components/messages/{type_}")
    (example,) = message["examples"]

    for part in ("headers", "payload"):
        schema = {**message[part], "components": DOCUMENT["components"]}
        jsonschema_rs.Draft7Validator(_beside(schema), validate_formats=True).validate(example[part])


def _beside(schema: dict[str, Any]) -> dict[str, Any]:
    """A lone reference as draft 07 wants it: there, keywords beside `$ref` are not read."""
    reference = schema.pop("$ref", None)
    return {**schema, "allOf": [{"$ref": reference}]} if reference else schema


@pytest.mark.parametrize("type_", REGISTRY)
def test_a_payload_accepts_nothing_that_the_events_schema_refuses(type_: str) -> None:
    message = resolved(f"#/components/messages/{type_}")
    payload = resolved(message["payload"]["$ref"])

    lacking = [name for name in payload["required"] if _fits(type_, {**REGISTRY[type_].example, name: object})]

    assert lacking == []


def _fits(type_: str, data: dict[str, Any]) -> bool:
    without = {name: value for name, value in data.items() if value is not object}
    schema = {"allOf": [{"$ref": f"#/components/schemas/{type_}"}], "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft7Validator(schema).is_valid(without)


def test_the_headers_described_are_those_that_are_sent() -> None:
    always = Envelope.from_headers([(name, value.encode()) for name, value in _an_example().items()])

    assert list(HEADERS) == [name for name, _ in _with_all(always).headers()]
    assert set(ALWAYS) <= set(_an_example())


def _an_example() -> dict[str, str]:
    (example,) = resolved("#/components/messages/stoa.content.course.published.v1")["examples"]
    headers: dict[str, str] = example["headers"]
    return headers


def _with_all(envelope: Envelope) -> Envelope:
    return replace(envelope, causationid="c", correlationid="c", traceparent="t", orgid=envelope.id)
