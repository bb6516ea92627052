"""The page where a subscriber begins: promises, the record, and every event."""

from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.resources import files
from itertools import groupby

from stoa_devkit.contracts.envelopes import ALWAYS, HEADERS
from stoa_devkit.contracts.facts import EVENT_LOG_RETENTION, kind, plain, publisher
from stoa_events.contract import KAFKA_RETENTION, Event

Registry = Mapping[str, type[Event]]


def index(registry: Registry) -> str:
    """The index in Markdown."""
    shared = _shared(registry.values())
    own = [event for event in registry.values() if kind(event) not in shared]
    common = [event for event in registry.values() if kind(event) in shared]
    text = (files("stoa_devkit.contracts") / "index.md").read_text()
    parts = {
        "DAYS": str(KAFKA_RETENTION.days),
        "LOG": EVENT_LOG_RETENTION,
        "HEADERS": _headers(),
        "TOPICS": "\n\n".join(_topics(own)),
        "SERVICES": ", ".join(sorted({f"`{publisher(event)}`" for event in common})),
        "OPERATIONS": _operations(common),
    }
    for name, part in parts.items():
        text = text.replace(f"@@{name}@@", part)
    return text


def _shared(events: Iterable[type[Event]]) -> set[str]:
    """Kinds that several services publish."""
    counted = Counter(kind(event) for event in events)
    return {name for name, count in counted.items() if count > 1}


def _headers() -> str:
    rows = [
        f"| `{name}` | {'always' if name in ALWAYS else 'sometimes'} | {schema['description']} |"
        for name, schema in HEADERS.items()
    ]
    return "\n".join(["| header | there | holds |", "| --- | --- | --- |", *rows])


def _topics(events: Iterable[type[Event]]) -> list[str]:
    """A section for each topic."""
    ordered = sorted(events, key=lambda event: event.topic)
    return [_topic(topic, list(group)) for topic, group in groupby(ordered, key=lambda event: event.topic)]


def _topic(topic: str, events: list[type[Event]]) -> str:
    first = events[0]
    once = " Each has one event only." if first.single else ""
    about = f"Key: `{first.subject_field}`. {first.partitions} partitions.{once}"
    rows = [f"| {_link(event)} | {plain(event)} | {_fields(event)} |" for event in events]
    table = "\n".join(["| type | what became true | data |", "| --- | --- | --- |", *rows])
    return f"### `{topic}`\n\n{about}\n\n{table}"


def _link(event: type[Event]) -> str:
    return f"[`{event.type}`]({event.type}.md)"


def _fields(event: type[Event]) -> str:
    personal = event.personal_fields()
    return " ".join(f"`{name}`{'*' if name in personal else ''}" for name in event.model_fields)


def _operations(events: Iterable[type[Event]]) -> str:
    """One row for each kind, whichever service it is of."""
    rows = []
    for name, group in groupby(sorted(events, key=lambda event: (kind(event), event.type)), key=kind):
        alike = list(group)
        pages = " ".join(f"[{publisher(event)}]({event.type}.md)" for event in alike)
        topic = alike[0].topic.replace(publisher(alike[0]), "<service>", 1)
        rows.append(f"| `stoa.<service>.{name}` | `{topic}` | {plain(alike[0])} | {pages} |")
    return "\n".join(["| type | topic | what became true | pages |", "| --- | --- | --- | --- |", *rows])
