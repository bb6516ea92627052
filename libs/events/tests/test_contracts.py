"""What readers of an event can rely on."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

import stoa_events.contracts
from stoa_events.contract import ContractError, Event
from stoa_events.contracts import REGISTRY, TOPICS, UserRegistered, python_name
from stoa_events.contracts.content import CourseEvent
from stoa_events.envelope import BadEnvelope, Envelope
from stoa_events.personal import Personal, Sealed

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PERSON = UUID("01912f00-0000-7000-8000-000000000001")


def _a_person(**changes: object) -> UserRegistered:
    return UserRegistered(
        **{"person_id": PERSON, "email": Personal("ada@example.org"), "name": Personal(), "registered_at": NOON}
        | changes
    )


@pytest.mark.parametrize("event", REGISTRY.values(), ids=lambda event: event.type)
def test_a_contract_says_what_became_true_and_about_what(event: type[Event]) -> None:
    assert event.__doc__
    assert event.__doc__.rstrip().endswith(".")
    assert event.subject_field in event.model_fields
    # A family of topics is made by those who publish to it.
    assert event.topic in TOPICS or "{" in event.topic


@pytest.mark.parametrize("event", REGISTRY.values(), ids=lambda event: event.type)
def test_a_contract_with_personal_fields_says_whose_they_are(event: type[Event]) -> None:
    assert not event.personal_fields() or "person_id" in event.model_fields


@pytest.mark.parametrize("event", REGISTRY.values(), ids=lambda event: event.type)
def test_a_time_without_a_zone_is_refused(event: type[Event]) -> None:
    local = {name: value.removesuffix("Z") for name, value in event.example.items() if name.endswith("_at")}

    with pytest.raises(ValidationError, match="timezone"):
        event.model_validate(event.example | local)


@pytest.mark.parametrize("event", REGISTRY.values(), ids=lambda event: event.type)
def test_a_contracts_name_in_python_leads_to_it(event: type[Event]) -> None:
    assert eval(python_name(event), {"stoa_events": stoa_events}) is event


def test_a_type_that_breaks_the_naming_rule_is_refused() -> None:
    with pytest.raises(ContractError, match="must read"):

        class Misnamed(CourseEvent):
            """Nothing became true."""

            type = "content.course.renamed"


def test_a_topic_of_another_service_is_refused() -> None:
    with pytest.raises(ContractError, match="its topic is"):

        class Misplaced(CourseEvent):
            """Nothing became true."""

            type = "stoa.auth.course.renamed.v1"


def test_a_reader_ignores_fields_that_it_does_not_know() -> None:
    data = json.dumps({"person_id": str(PERSON), "email": None, "name": None, "registered_at": "2026-01-01T12:00:00Z",
                       "added_later": 1}).encode()  # fmt: skip

    assert UserRegistered.parse(data).person_id == PERSON


def test_a_personal_field_never_leaves_in_the_clear() -> None:
    person = _a_person()

    with pytest.raises(PydanticSerializationError, match="sealed by the outbox"):
        person.data()
    assert "ada@example.org" not in repr(person)
    assert "ada@example.org" not in str(person.model_dump())


def test_a_sealed_field_travels_and_comes_back_sealed() -> None:
    person = _a_person(email=Personal(sealed=Sealed.of("key-1", b"\x00\x01\xff")))

    back = UserRegistered.parse(person.data())

    assert back.email.sealed == Sealed("A256GCM", "key-1", "AAH_")
    assert back.email.sealed is not None
    assert back.email.sealed.ciphertext == b"\x00\x01\xff"
    assert back.email.plain is None


def test_the_schema_of_a_personal_field_is_sealed_or_null() -> None:
    schema = UserRegistered.model_json_schema()["properties"]["email"]

    assert [option.get("type") for option in schema["anyOf"]] == ["object", "null"]


def _envelopes() -> st.SearchStrategy[Envelope]:
    text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40)
    return st.builds(
        Envelope, id=st.uuids(), source=text, type=text, subject=text,
        time=st.datetimes(timezones=st.just(UTC)), dataschema=text, sequence=st.integers(1, 2**62),
        orgid=st.none() | st.uuids(), correlationid=st.none() | text, causationid=st.none() | text,
        traceparent=st.none() | text,
    )  # fmt: skip


@given(_envelopes())
def test_an_envelope_survives_its_headers(envelope: Envelope) -> None:
    assert Envelope.from_headers(envelope.headers()) == envelope


def _without(name: str) -> Iterator[tuple[str, bytes]]:
    whole = Envelope(id=PERSON, source="/a", type="t", subject="s", time=NOON, dataschema="d", sequence=1)
    return ((n, v) for n, v in whole.headers() if n != name)


@pytest.mark.parametrize("name", ["ce_id", "ce_type", "ce_subject", "ce_sequence", "ce_time", "ce_specversion"])
def test_a_missing_header_is_named(name: str) -> None:
    with pytest.raises(BadEnvelope, match=name):
        Envelope.from_headers(_without(name))


@pytest.mark.parametrize("value", [None, b"\xff\xfe", b"not a uuid"])
def test_a_malformed_header_is_refused_and_nothing_else_is_raised(value: bytes | None) -> None:
    with pytest.raises(BadEnvelope):
        Envelope.from_headers([*_without("ce_id"), ("ce_id", value)])


@given(st.lists(st.tuples(st.text(max_size=12), st.none() | st.binary(max_size=20)), max_size=12))
def test_no_headers_at_all_raise_anything_but_bad_envelope(headers: list[tuple[str, bytes | None]]) -> None:
    with pytest.raises(BadEnvelope):
        Envelope.from_headers(headers)
