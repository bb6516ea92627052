"""Whatever is delivered, retried, edited and discarded in whatever order: each event is applied once, in order."""

import asyncio
import contextlib
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parking_reader import Reader, an_enrollment, id_of, make_due, parked_of

from stoa_common.database import Database
from stoa_common.ids import new_id
from stoa_common.messaging.operations import service as operations
from stoa_common.messaging.operations.domain import EventIsBeingTried, EventIsDiscarded, ParkedEventNotFound
from stoa_common.messaging.operations.schemas import EditIn
from stoa_common.messaging.record import Record
from stoa_common.messaging.retrier import Retrier
from stoa_common.resources import Resources
from stoa_common.testing import Delivery, Identities

pytestmark = pytest.mark.usefixtures("unpublished", "without_quick_tries")


REFUSED = (EventIsBeingTried, EventIsDiscarded, ParkedEventNotFound)

#: Deliveries, bugs that come and go, and rounds of retriers are frequent; what operators do is spread among them.
STEPS = st.one_of(
    *[st.tuples(st.just("deliver"), st.integers(0, 1))] * 2,
    *[st.tuples(st.sampled_from(["break", "mend", "make due", "retry by two"]), st.just(0))] * 2,
    st.tuples(st.sampled_from(["redeliver", "retry", "edit", "discard"]), st.integers(0, 20)),
)


class Story:
    """One interleaving: what is delivered to a reader, and what is done to what it parks."""

    def __init__(self, database: Database, delivery: Delivery, reader: Reader, identities: Identities) -> None:
        self.database, self.delivery, self.reader = database, delivery, reader
        self.operator = identities.principal("operator")
        self.groups = {reader.router.group: reader.router}
        self.keys = [new_id() for _ in range(2)]
        self.records: list[Record] = []

    async def step(self, action: str, number: int) -> None:
        if action == "deliver":
            self.records.append(self.delivery.record_of(an_enrollment(self.keys[number])))
            await self.reader.handling.take(self.records[-1])
        elif action == "redeliver" and self.records:
            await self.reader.handling.take(self.records[number % len(self.records)])
        elif action in {"break", "mend"}:
            self.reader.is_broken = action == "break"
        elif action == "make due":
            await make_due(self.database, self.reader)
        elif action == "retry by two":
            other = Retrier([self.reader.handling])
            await asyncio.gather(self.reader.retrier.retry_due(), other.retry_due())
        elif rows := await parked_of(self.database, self.reader):
            position = rows[number % len(rows)].position
            await asyncio.gather(self._operate(action, position), self.reader.retrier.retry_due())

    async def _operate(self, action: str, position: int) -> None:
        with contextlib.suppress(*REFUSED):
            async with self.database.transaction() as session:
                if action == "retry":
                    await operations.retry_parked(session, position, caller=self.operator)
                elif action == "edit":
                    edit = EditIn(headers={"x-note": "seen"})
                    await operations.edit_parked(session, self.groups, position, edit, caller=self.operator)
                else:
                    await operations.discard_parked(session, position, reason="given up", caller=self.operator)

    async def end(self) -> None:
        """Everything that still waits is retried until nothing is left."""
        self.reader.is_broken = False
        for row in await parked_of(self.database, self.reader):
            await self._operate("retry", row.position)
        await self.reader.retrier.retry_due()

    async def discarded(self) -> set[UUID]:
        rows = await parked_of(self.database, self.reader)
        assert {row.state for row in rows} <= {"discarded"}
        return {UUID(dict(row.headers)["ce_id"]) for row in rows}


@given(steps=st.lists(STEPS, min_size=5, max_size=25))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_happens_each_event_is_applied_once_in_order_or_discarded(
    database: Database, delivery: Delivery, resources: Resources, identities: Identities, steps: list[tuple[str, int]]
) -> None:
    story = Story(database, delivery, Reader(database, resources), identities)

    story.reader.is_broken = True
    for action, number in steps:
        await story.step(action, number)
    await story.end()

    applied = story.reader.applied
    assert max(Counter(applied).values(), default=1) == 1
    assert set(applied) | await story.discarded() == {id_of(record) for record in story.records}
    assert not set(applied) & await story.discarded()
    for key in story.keys:
        line = [id_of(record) for record in story.records if record.key_text == str(key)]
        assert [i for i in line if i in applied] == [i for i in applied if i in line]
