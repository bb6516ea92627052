"""Numbers of a feed: from 1, without a gap, each event once, whatever arrives how often."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_events.envelope import Envelope
from stoa_feed.events import domain
from stoa_feed.events.domain import Entry, EventIsUnreadable

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

ids = st.integers(1, 12).map(lambda n: UUID(int=n))
organizations = st.one_of(st.none(), st.integers(1, 3).map(lambda n: UUID(int=n)))


def an_envelope(event_id: UUID, organization_id: UUID | None, **changed: object) -> Envelope:
    fields = {"source": "/content", "type": "t", "subject": "s", "time": NOON, "dataschema": "urn:t", "sequence": 1}
    return Envelope(id=event_id, orgid=organization_id, **fields | changed)  # type: ignore[arg-type]


entries = st.builds(lambda i, o: Entry(an_envelope(i, o), "{}"), ids, organizations)


@given(st.lists(st.lists(entries, max_size=12), max_size=5))
def test_batches_with_duplicates_number_each_event_once_and_leave_no_gap(batches: list[list[Entry]]) -> None:
    feeds: dict[UUID, list[UUID]] = {}

    for batch in batches:
        known = {(o, event_id) for o, event_ids in feeds.items() for event_id in event_ids}
        last = {o: len(event_ids) for o, event_ids in feeds.items()}
        for item in domain.number(batch, last_numbers=last, known=known):
            feed = feeds.setdefault(item.organization_id, [])
            feed.append(item.entry.envelope.id)
            assert item.number == len(feed)

    arrived = {(e.envelope.orgid, e.envelope.id) for batch in batches for e in batch if e.envelope.orgid}
    assert {(o, i) for o, feed in feeds.items() for i in feed} == arrived
    assert all(len(set(feed)) == len(feed) for feed in feeds.values())


@given(st.lists(entries, max_size=12))
def test_an_organizations_events_keep_their_order(batch: list[Entry]) -> None:
    numbered = domain.number(batch, last_numbers={}, known=set())

    for organization_id in {item.organization_id for item in numbered}:
        mine = [item for item in numbered if item.organization_id == organization_id]
        first_seen = list(dict.fromkeys(e.envelope.id for e in batch if e.envelope.orgid == organization_id))
        assert [item.entry.envelope.id for item in sorted(mine, key=lambda item: item.number)] == first_seen


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", b'{"a": NaN}', b'"\\ud800"', b"[" * 2000])
def test_data_that_no_reader_could_parse_are_refused(value: bytes) -> None:
    with pytest.raises(EventIsUnreadable, match="JSON"):
        domain.read(an_envelope(UUID(int=1), None), value)


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "a\x00b"},
        {"correlationid": "\x00"},
        {"sequence": 2**63},
        {"sequence": -1},
        {"time": datetime(2026, 11, 21)},  # noqa: DTZ001  # the point of the example
        {"time": datetime.fromisoformat("0001-01-01T00:00:00+05:00")},
    ],
)
def test_attributes_that_the_table_could_not_hold_are_refused(changed: dict[str, object]) -> None:
    with pytest.raises(EventIsUnreadable):
        domain.read(an_envelope(UUID(int=1), None, **changed), b"{}")


@given(st.recursive(st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text(), st.lists, max_leaves=5))
def test_readable_data_are_kept_byte_for_byte(value: object) -> None:
    import orjson

    text = orjson.dumps({"value": value}, option=orjson.OPT_INDENT_2)

    assert domain.read(an_envelope(UUID(int=1), None), text).data.encode() == text
