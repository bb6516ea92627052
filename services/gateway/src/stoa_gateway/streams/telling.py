"""From Kafka into the streams: what a batch of events says to people."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from stoa_common.messaging import BadRecords, Batch, BatchRecord
from stoa_events.contract import REGISTRY, Event
from stoa_events.contracts import UserErased
from stoa_gateway.streams import domain
from stoa_gateway.streams.provider import StreamLog


async def tell_batch(batch: Batch, source: StreamLog, *, since: datetime) -> None:
    """Tell what happened since then, and forget who was erased; safe to repeat.

    Raises BadRecords, which names what no contract can read, before anything is told; RedisIsAway.
    """
    events = _read(batch.records)
    for _, event in events:
        if isinstance(event, UserErased):
            await source.erase(domain.digest(event.person_id))
    told = [domain.tell(event, record.envelope) for record, event in events if record.envelope.time >= since]
    await source.write([message for message in told if message is not None])


def _read(records: Sequence[BatchRecord]) -> list[tuple[BatchRecord, Event]]:
    """The events of types that this program knows."""
    found: list[tuple[BatchRecord, Event]] = []
    errors: dict[int, str] = {}
    for record in records:
        contract = REGISTRY.get(record.envelope.type)
        try:
            if contract is not None:
                found.append((record, contract.parse(record.value)))
        except ValidationError as error:
            errors[record.offset] = f"{error.error_count()} fields are not what {record.envelope.type} says."
    if errors:
        raise BadRecords(errors)
    return found
