"""The AsyncAPI 3 document: channels are topics, messages are events, operations are what each service sends.

Payloads are schemas in the document's own dialect (AsyncAPI's superset of draft 07): the keywords that contracts use
mean the same there as in 2020-12, and every tool reads them.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from stoa_devkit.contracts.envelopes import ALWAYS, HEADERS, example_headers
from stoa_devkit.contracts.facts import EVENT_LOG_RETENTION, parameters, plain, publisher, title
from stoa_devkit.contracts.schemas import Schema, schema_of
from stoa_events.contract import KAFKA_RETENTION, Event

VERSION = "3.0.0"
BINDING = "0.5.0"
Registry = Mapping[str, type[Event]]


def document(registry: Registry) -> dict[str, Any]:
    """The whole document. Its topics are without the prefix that a platform may have."""
    events = sorted(registry.values(), key=lambda event: (event.topic, event.type))
    channels = [(topic, list(group)) for topic, group in groupby(events, key=lambda event: event.topic)]
    return {
        "asyncapi": VERSION,
        "id": "urn:stoa:events",
        "info": _INFO,
        "defaultContentType": "application/json",
        "servers": {"kafka": _SERVER},
        "channels": {_name(topic): _channel(topic, group) for topic, group in channels},
        "operations": {f"{_name(topic)}.send": _operation(topic, group) for topic, group in channels},
        "components": {
            "messages": {event.type: _message(event) for event in events},
            "schemas": {"headers": _HEADERS} | {name: each for event in events for name, each in _schemas(event)},
        },
    }


_INFO = {
    "title": "Stoa's events",
    "version": "1.0.0",
    "description": "Delivery at least once; per key, the order of first occurrence. Dedupe by `ce_id`. Ignore fields "
    "and types that you don't know: within a major version optional fields are added.",
    "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
}
_SERVER = {
    "host": "{bootstrap}",
    "protocol": "kafka",
    "description": "The platform's Kafka. Where it sets KAFKA_TOPIC_PREFIX, every topic begins with it.",
    "variables": {"bootstrap": {"default": "localhost:9092", "description": "KAFKA_BOOTSTRAP_SERVERS"}},
}
_HEADERS = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka binding, binary mode.",
    "properties": HEADERS,
    "required": ALWAYS,
}


def _channel(topic: str, events: list[type[Event]]) -> dict[str, Any]:
    first = events[0]
    channel: dict[str, Any] = {
        "address": topic,
        "description": f"Published by {publisher(first)} alone. Key: `{first.subject_field}`.",
        "messages": {event.type: {"$ref": f"#/components/messages/{event.type}"} for event in events},
        "bindings": {"kafka": _kafka_topic(first)},
        "x-retention": {"kafka": f"P{KAFKA_RETENTION.days}D", "event-log": EVENT_LOG_RETENTION},
    }
    if names := parameters(topic):
        channel["parameters"] = {name: {"description": f"The {name} of the service that reads."} for name in names}
    return channel


def _kafka_topic(event: type[Event]) -> dict[str, Any]:
    kept = {"retention.ms": int(KAFKA_RETENTION.total_seconds() * 1000)}
    return {"partitions": event.partitions, "topicConfiguration": kept, "bindingVersion": BINDING}


def _operation(topic: str, events: Iterable[type[Event]]) -> dict[str, Any]:
    channel = f"#/channels/{_name(topic)}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{event.type}"} for event in events],
    }


def _message(event: type[Event]) -> dict[str, Any]:
    own = {"ce_type": event.type, "ce_source": event.source(), "ce_dataschema": event.dataschema()}
    constant = {"type": "object", "properties": {name: {"const": value} for name, value in own.items()}}
    return {
        "name": event.type,
        "title": title(event),
        "summary": plain(event),
        "contentType": "application/json",
        "headers": {"allOf": [{"$ref": "#/components/schemas/headers"}, constant]},
        "payload": {"$ref": f"#/components/schemas/{event.type}"},
        "bindings": {"kafka": {"key": schema_of(event)["properties"][event.subject_field], "bindingVersion": BINDING}},
        "examples": [{"name": "example", "headers": example_headers(event), "payload": event.example}],
        "x-publisher": publisher(event),
        "x-subject": event.subject_field,
        "x-single": event.single,
        "x-personal-fields": event.personal_fields(),
    }


def _schemas(event: type[Event]) -> list[tuple[str, Schema]]:
    """The event's schema, and beside it those of the models inside, as the document names them."""
    schema = schema_of(event)
    models = schema.pop("$defs", {})
    del schema["$schema"], schema["$id"]
    named = {event.type: schema} | {f"{event.type}.{name}": model for name, model in models.items()}
    return [(name, _moved(each, event.type)) for name, each in named.items()]


def _moved(value: Any, type_: str) -> Any:
    """A schema whose references lead to where the document keeps its schemas."""
    if isinstance(value, list):
        return [_moved(each, type_) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _target(each, type_) if key == "$ref" else _moved(each, type_) for key, each in value.items()}


def _target(reference: str, type_: str) -> str:
    return f"#/components/schemas/{type_}.{reference.rpartition('/')[2]}"


def _name(topic: str) -> str:
    return topic.replace("{", "").replace("}", "")
