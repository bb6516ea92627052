"""Puts records on Kafka past the relay, as another producer would: duplicates and poison, marked by a header."""

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from stoa_common.testing import an_envelope
from stoa_common.testing.poison import poisoned
from stoa_events.contracts import AttemptGraded

from .readback import FAULT_HEADER, TOPICS
from .system import System

RECENT = 5_000


@dataclass
class Injector:
    """Keeps what the relay sent last, to send it once more."""

    system: System
    rng: random.Random
    _recent: "deque[Any]" = field(default_factory=lambda: deque(maxlen=RECENT))

    async def remember(self) -> None:
        """Follow the stream, until cancelled."""
        names = [self.system.prefix + topic for topic in TOPICS]
        async with AIOKafkaConsumer(*names, bootstrap_servers=self.system.stage.kafka) as consumer:
            async for raw in consumer:
                if all(name != FAULT_HEADER for name, _ in raw.headers):
                    self._recent.append(raw)

    async def repeat(self, share: float) -> int:
        """Send this share of what was sent last again; how many that were."""
        chosen = [raw for raw in list(self._recent) if self.rng.random() < share]
        async with self._producer() as producer:
            for raw in chosen:
                headers = [*raw.headers, (FAULT_HEADER, b"duplicate")]
                await producer.send(raw.topic, value=raw.value, key=raw.key, headers=headers)
        return len(chosen)

    async def poison(self, kind: str) -> None:
        """Send one record that cannot be handled."""
        event = self._an_event()
        envelope = an_envelope(event, id=self._new_id())
        headers, value = poisoned(kind, envelope, event.data())
        topic = self.system.prefix + event.topic
        async with self._producer() as producer:
            marked = [*headers, (FAULT_HEADER, kind.encode())]
            await producer.send_and_wait(topic, value=value, key=event.subject.encode(), headers=marked)

    def _producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self.system.stage.kafka, acks="all", enable_idempotence=True, max_request_size=1_048_576
        )

    def _an_event(self) -> AttemptGraded:
        example = {name: str(UUID(int=0)) for name in ("organization_id", "course_id", "lesson_id", "quiz_id")}
        return AttemptGraded.model_validate(
            {
                **example,
                "attempt_id": self._new_id(),
                "person_id": UUID(int=0),
                "number": 1,
                "score": 1,
                "passed": True,
                "questions": [],
                "graded_at": "2026-01-01T00:00:00Z",
            }
        )

    def _new_id(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)
