"""docs/events says what the contracts say."""

import json
from itertools import groupby
from pathlib import Path

import jsonschema_rs
import pytest

from stoa_devkit.contracts import rendering
from stoa_devkit.contracts.envelopes import example_headers
from stoa_devkit.contracts.schemas import schema_of
from stoa_events.contract import Event
from stoa_events.contracts import REGISTRY

from .conftest import ROOT, a_contract

EVENTS = pytest.mark.parametrize("event", REGISTRY.values(), ids=lambda event: event.type)
FOLDER = ROOT / "docs/events"
SAID = (
    "Somebody bought something.",
    "`shop.order`, 12 partitions",
    "`order_id`",
    "integer, 1 to 1000",
    "`open` or `paid` or `sent`",
    'else `"EUR"`',
    "ce_type: stoa.shop.order.placed.v1",
    "### Parcel",
)


def test_what_is_committed_is_what_the_contracts_say() -> None:
    assert [str(problem) for problem in rendering.problems(REGISTRY, FOLDER)] == []


@EVENTS
def test_every_field_says_what_it_means(event: type[Event]) -> None:
    schema = schema_of(event)
    models = {event.__name__: schema, **schema.get("$defs", {})}

    silent = [
        f"{m}.{name}"
        for m, model in models.items()
        for name, field in model["properties"].items()
        if "description" not in field
    ]

    assert silent == [], "Give these a Field(description=...): subscribers read it on the event's page."


@EVENTS
def test_an_example_fits_the_schema_and_is_published_where_the_contract_says(event: type[Event]) -> None:
    read = event.parse(json.dumps(event.example).encode())

    jsonschema_rs.Draft202012Validator(schema_of(event), validate_formats=True).validate(event.example)
    assert json.loads(read.data()) == event.example
    assert read.destination.split(".")[0] == event.topic.split(".")[0]


def test_the_examples_tell_one_story() -> None:
    headers = [example_headers(event) for event in REGISTRY.values()]

    assert len({each["ce_id"] for each in headers}) == len(headers)
    for _, of_one in groupby(sorted(headers, key=_aggregate), key=_aggregate):
        story = sorted(of_one, key=lambda each: int(each["ce_sequence"]))
        assert [each["ce_sequence"] for each in story] == [str(n) for n in range(1, len(story) + 1)]
        assert [each["ce_time"] for each in story] == sorted(each["ce_time"] for each in story)


def _aggregate(headers: dict[str, str]) -> tuple[str, str]:
    return headers["ce_source"], headers["ce_subject"]


@EVENTS
def test_no_example_holds_a_personal_value_in_the_clear(event: type[Event]) -> None:
    values = [event.example[name] for name in event.personal_fields()]

    assert all(value is None or set(value) == {"enc", "kid", "ct"} for value in values)


def test_a_page_holds_what_a_subscriber_asks(tmp_path: Path) -> None:
    event = a_contract()

    rendering.write({event.type: event}, tmp_path)

    page = (tmp_path / f"{event.type}.md").read_text()
    assert [said for said in SAID if said not in page] == []


def test_a_stale_file_is_noticed_and_a_page_without_a_contract_goes(tmp_path: Path) -> None:
    event, other = a_contract(), a_contract(facts={"type": "stoa.shop.order.paid.v1"})
    rendering.write({event.type: event, other.type: other}, tmp_path)
    (tmp_path / f"{event.type}.md").write_text("by hand")

    stale = [problem.subject for problem in rendering.problems({event.type: event}, tmp_path)]
    rendering.write({event.type: event}, tmp_path)

    assert stale == ["README.md", "asyncapi.json", f"schemas/{other.type}.json", f"{other.type}.md", f"{event.type}.md"]
    assert list(rendering.problems({event.type: event}, tmp_path)) == []
    assert not (tmp_path / f"{other.type}.md").exists()


def test_a_released_file_is_never_rendered(tmp_path: Path) -> None:
    (tmp_path / "released").mkdir()
    (tmp_path / "released/kept.json").write_text("{}")
    event = a_contract()

    rendering.write({event.type: event}, tmp_path)

    assert (tmp_path / "released/kept.json").read_text() == "{}"
