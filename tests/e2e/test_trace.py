"""One trace leads from the gateway's request through the outbox and Kafka to the warehouse."""

import time

import httpx2
from collector import Collector, Span
from world import World, take_quiz

from stoa_events.contracts import AttemptGraded

SUBMIT = "POST /api/v1/content/quizzes/{quiz_id}/attempts"


def _wait_for_insert(collector: Collector, *, seconds: float = 30) -> tuple[Span, Span]:
    """The span that recorded an attempt, and the analytics insert that links to it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        records = {span.span_id: span for span in collector.named("stoa-content", f"record {AttemptGraded.type}")}
        for insert in collector.named("stoa-analytics", "analytics.events insert"):
            linked = [records[link] for link in insert.links if link in records]
            if linked and any(span.service == "stoa-gateway" for span in collector.ancestors(linked[-1])):
                return linked[-1], insert
        time.sleep(0.3)
    raise TimeoutError(f"No insert links to a recorded attempt among {len(collector.spans)} spans.")


def test_an_attempt_is_one_trace_from_the_gateway_to_the_warehouse(
    api: httpx2.Client, world: World, collector: Collector
) -> None:
    take_quiz(api, world.learner, world.ids["quiz_id"])

    record, insert = _wait_for_insert(collector)

    services = [span.service for span in collector.ancestors(record)]
    assert services[0] == "stoa-content"
    assert services[-1] == "stoa-gateway"
    assert {span.trace_id for span in collector.ancestors(record)} == {record.trace_id}
    assert record.span_id in insert.links
    in_trace = {span.name.split()[0] for span in collector.spans if span.trace_id == record.trace_id}
    assert {"INSERT", "SELECT"} <= in_trace
