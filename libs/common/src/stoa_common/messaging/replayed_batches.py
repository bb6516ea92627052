"""The batch door of a group's replay topic: records as of the topics that they were first published to."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer

from stoa_common.database import Database
from stoa_common.messaging import kafka
from stoa_common.messaging.batches import BatchLoop
from stoa_common.messaging.record import Record
from stoa_common.messaging.replay import records
from stoa_common.messaging.replay.receiving import Receiving
from stoa_common.messaging.replay.records import EndMarker
from stoa_common.messaging.router import BatchRecord, BulkSubscription
from stoa_common.resources import Resources
from stoa_events.envelope import BadEnvelope, Envelope


class ReplayedBatches(BatchLoop):
    """A reader of its own: while the group is rebuilt, its other batches are held. Runs until cancelled."""

    def __init__(
        self,
        group: str,
        subscription: BulkSubscription,
        database: Database,
        resources: Resources,
        cluster: kafka.Cluster,
    ) -> None:
        super().__init__(group, subscription, database, resources, cluster)
        self._receiving: Receiving[str] = Receiving(group, database)

    def _new_consumer(self) -> AIOKafkaConsumer:
        # Offsets are kept under the topic's own name: members of one group would have to read the same topics.
        topic = self._receiving.topic
        return kafka.new_consumer(self._cluster, [topic], listener=self.assignment, **self._cluster.membership(topic))

    async def _settle(self, raws: Sequence[Any]) -> None:
        await self._hold(lambda: self._settle_replayed(raws))

    async def _settle_replayed(self, raws: Sequence[Any]) -> None:
        """Every step may be repeated: a hold begins the batch anew."""
        read = [(raw, self._receiving.read(Record.of(raw, self._cluster))) for raw in raws]
        for replay_id in dict.fromkeys(one.replay_id for _, one in read if isinstance(one, Record)):
            mine = [raw for raw, one in read if isinstance(one, Record) and one.replay_id == replay_id]
            if replay_id is not None and await self._receiving.is_running(replay_id):
                records, bad = self._sort(mine)
                taken = await self._take(mine, records, bad, replay_id=replay_id)
                added = {"handled": taken, "skipped": len(mine) - taken}
                last = mine[-1]
                await self._receiving.count(replay_id, partition=last.partition, offset=last.offset, added=added)
        await self._receiving.end([one for _, one in read if isinstance(one, EndMarker)])

    def _record(self, raw: Any) -> BatchRecord:
        envelope = Envelope.from_headers(raw.headers)
        first = records.read(Record.of(raw, self._cluster))
        if raw.value is None or isinstance(first, EndMarker):
            raise BadEnvelope("The value is null.")
        return BatchRecord(first.topic, raw.partition, raw.offset, raw.timestamp, envelope, raw.value)
