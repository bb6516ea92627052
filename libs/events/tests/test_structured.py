"""The same event by four ways in is the same object with the same ids."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_events import structured
from stoa_events.consumer.inbox import Order, SequenceCheck
from stoa_events.contracts import REGISTRY, Event, LearnerEnrolled, UserRegistered
from stoa_events.envelope import BadEnvelope, Envelope
from stoa_events.structured import BadData, Unknown
from stoa_events.testkit import a_record, an_envelope, an_event, as_json

ENROLLED = an_event(LearnerEnrolled)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def _attributes(**changes: Any) -> dict[str, Any]:
    return {**json.loads(as_json(ENROLLED)), **changes}


@pytest.mark.parametrize("contract", REGISTRY.values(), ids=lambda contract: contract.type)
def test_json_and_kafka_give_the_same_event(contract: type[Event]) -> None:
    event = an_event(contract)
    envelope = an_envelope(event, sequence=7, correlationid="a", causationid="b")
    record = a_record(event, envelope)

    from_kafka = (Envelope.from_headers(record.headers), contract.parse(record.value))

    assert structured.parse(as_json(event, envelope)) == from_kafka == (envelope, event)


def test_an_item_of_the_pull_feed_is_read_as_its_text_is() -> None:
    text = as_json(ENROLLED)

    assert structured.parse(json.loads(text)) == structured.parse(text) == structured.parse(text.decode())


def test_attributes_that_we_do_not_know_are_passed_over() -> None:
    envelope, event = structured.parse(_attributes(feednumber=12, partitionkey=None, sampledrate="3"))

    assert (envelope.subject, event) == (ENROLLED.subject, ENROLLED)


def test_a_type_that_we_do_not_know_keeps_its_data() -> None:
    _, event = structured.parse(_attributes(type="stoa.content.enrollment.paused.v1", data={"reason": "holiday"}))

    assert event == Unknown("stoa.content.enrollment.paused.v1", {"reason": "holiday"})


def test_a_personal_field_reads_as_none() -> None:
    _, event = structured.parse(as_json(an_event(UserRegistered)))

    assert isinstance(event, UserRegistered)
    assert event.email.plain is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"specversion": "0.3"}, "specversion must be 1.0"),
        ({"id": None}, "attribute id is missing"),
        ({"id": "7"}, "attribute is malformed"),
        ({"sequence": "first"}, "attribute is malformed"),
        ({"sequence": True}, "attribute sequence is neither"),
        ({"subject": {}}, "attribute subject is neither"),
    ],
)
def test_what_is_no_cloudevent_is_refused_by_the_attributes_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadEnvelope, match=message):
        structured.parse(_attributes(**changes))


def test_bad_data_name_the_field_and_never_its_value() -> None:
    with pytest.raises(BadData, match="course_id") as refusal:
        structured.parse(_attributes(data={**LearnerEnrolled.example, "course_id": "ada@example.org"}))

    assert "ada" not in str(refusal.value)


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"\xff", b"[" * 100_000, b'{"a": NaN}', b'{"id": "\\ud800"}'])
def test_what_is_no_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(BadEnvelope):
        structured.parse(text)


@given(st.binary() | st.dictionaries(st.text(), JSON).map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    with pytest.raises(BadEnvelope):
        structured.parse(text)


@given(st.dictionaries(st.sampled_from(sorted(_attributes())), JSON, min_size=1))
def test_any_attributes_are_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        envelope, event = structured.parse(json.dumps(_attributes(**changes)).encode())
    except (BadEnvelope, BadData):
        return

    assert event.type == envelope.type


@given(st.lists(st.tuples(st.text() | st.sampled_from(["ce_id", "ce_type", "traceparent"]), st.none() | st.binary())))
def test_any_headers_are_read_or_refused(more: list[tuple[str, bytes | None]]) -> None:
    headers = [*a_record(ENROLLED).headers, *more]
    try:
        envelope = Envelope.from_headers(headers)
    except BadEnvelope:
        return

    assert all(value is not None for _, value in more)
    assert envelope.sequence == 1


@given(st.lists(st.integers(1, 6), min_size=1))
def test_the_sequence_check_finds_each_gap_and_repeat(sequences: list[int]) -> None:
    check, highest = SequenceCheck(), 0

    for sequence in sequences:
        found = check.check(an_envelope(ENROLLED, sequence=sequence))

        if sequence <= highest:
            assert found is Order.REPEATED
        elif highest:
            assert found is (Order.NEXT if sequence == highest + 1 else Order.GAP)
        highest = max(highest, sequence)


def test_the_sequence_check_forgets_the_key_that_was_quiet_longest() -> None:
    check = SequenceCheck(capacity=2)
    for subject in ("a", "b", "a", "c"):
        check.check(an_envelope(ENROLLED, subject=subject, sequence=9))

    assert check.check(an_envelope(ENROLLED, subject="a", sequence=9)) is Order.REPEATED
    assert check.check(an_envelope(ENROLLED, subject="b", sequence=9)) is Order.FIRST
