"""A page per event, for those who subscribe to it."""

import json
from typing import Any

from stoa_devkit.contracts.envelopes import example_headers, example_topic
from stoa_devkit.contracts.facts import EVENT_LOG_RETENTION, more, parameters, plain, publisher, title
from stoa_devkit.contracts.schemas import Schema, schema_of
from stoa_events.contract import KAFKA_RETENTION, Event
from stoa_events.contracts import python_name


def page(event: type[Event]) -> str:
    """The page in Markdown."""
    parts = [f"# {title(event)}", f"`{event.type}`", plain(event), more(event), _facts(event)]
    parts += ["## Data", *_tables(schema_of(event)), "## Example", _example(event), _next(event)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(event: type[Event]) -> str:
    rows = {
        "publisher, owner": f"the service `{publisher(event)}`",
        "Python": f"`{python_name(event)}`",
        "topic": f"`{event.topic}`{_family(event)}, {event.partitions} {_plural(event.partitions, 'partition')}",
        "key, `ce_subject`": f"`{event.subject_field}`",
        "order": _order(event),
        "kept": f"{KAFKA_RETENTION.days} days in Kafka; in the publisher's event log {EVENT_LOG_RETENTION}",
        "organization": "in `ce_orgid`" if "organization_id" in event.model_fields else "none: `ce_orgid` is not there",
        "personal": _personal(event),
    }
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {said} |" for name, said in rows.items())])


def _family(event: type[Event]) -> str:
    names = parameters(event.topic)
    return f" (one topic for each {', '.join(names)})" if names else ""


def _order(event: type[Event]) -> str:
    if event.single:
        return f"each `{event.subject_field}` has one event only"
    return f"events of one `{event.subject_field}` arrive in the order of `ce_sequence`; between two there is no order"


def _personal(event: type[Event]) -> str:
    fields = event.personal_fields()
    if not fields:
        return "no field is sealed"
    names = ", ".join(f"`{name}`" for name in fields)
    return f"{names}: [sealed](README.md#personal-fields), null or unreadable once the person is erased"


def _tables(schema: Schema) -> list[str]:
    """The fields of the event, and of each model inside it."""
    models = schema.get("$defs", {})
    inside = [part for name, model in models.items() for part in (f"### {name}", _table(model))]
    return [_table(schema), *inside]


def _table(schema: Schema) -> str:
    required = schema.get("required", [])
    rows = [
        f"| `{name}` | {shape(field)} | {'always' if name in required else _absent(field)} | {_said(field)} |"
        for name, field in schema.get("properties", {}).items()
    ]
    return "\n".join(["| field | shape | there | meaning |", "| --- | --- | --- | --- |", *rows])


def _absent(field: Schema) -> str:
    return f"optional; else `{json.dumps(field['default'])}`" if "default" in field else "optional"


def _said(field: Schema) -> str:
    return str(field.get("description", "")).replace("|", "\\|")


def shape(field: Schema) -> str:
    """A field's schema in words: `uuid`, `number, 0 to 1`, `list of QuestionOutcome`."""
    if field.get("x-personal"):
        return "sealed text, or null"
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(shape(option) for option in field["anyOf"])
    if "enum" in field or "const" in field:
        return " or ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    return _typed(field)


def _typed(field: Schema) -> str:
    if field.get("type") == "array":
        return f"list of {shape(field.get('items', {}))}"
    if field.get("type") == "object" and isinstance(field.get("additionalProperties"), dict):
        return f"object of {shape(field['additionalProperties'])}"
    name = field.get("format") or {"string": "text"}.get(field.get("type", ""), field.get("type", "anything"))
    return f"{name}{_limits(field)}"


def _limits(field: Schema) -> str:
    if "minimum" in field and "maximum" in field:
        return f", {field['minimum']} to {field['maximum']}"
    names = {"minimum": "from", "maximum": "up to", "maxLength": "at most", "pattern": "like"}
    return "".join(f", {word} {_code(field[name])}" for name, word in names.items() if name in field)


def _code(value: Any) -> str:
    return f"`{value}`" if isinstance(value, str) else str(value)


def _example(event: type[Event]) -> str:
    headers = example_headers(event)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    record = [f"topic: {example_topic(event)}", f"key:   {headers['ce_subject']}", "", *lines]
    value = json.dumps(event.example, indent=2, ensure_ascii=False)
    return "\n".join(
        ["A record's key and headers:", "", "```text", *record, "```", "", "Its value:", "", "```json", value, "```"]
    )


def _next(event: type[Event]) -> str:
    return f"[How to subscribe](README.md) · [JSON Schema](schemas/{event.type}.json) · [AsyncAPI](asyncapi.json)"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
