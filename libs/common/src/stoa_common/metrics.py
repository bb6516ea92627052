"""Prometheus metrics that all services share; names follow Prometheus' conventions."""

import asyncio

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "stoa_http_request_duration_seconds", "Time to answer, by route.", ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
PUBLISHED = Counter("stoa_events_published_total", "Events that the broker acknowledged.")
OUTCOMES = Counter("stoa_events_consumed_total", "Events by what became of them.", ["consumer", "outcome"])
JOBS = Counter("stoa_jobs_total", "Jobs by how they ended.", ["kind", "status"])
OUTBOX_AGE = Gauge("stoa_outbox_oldest_age_seconds", "Age of the oldest event that waits to be published; 0 if none.")
OUTBOX_WAITING = Gauge("stoa_outbox_waiting", "Events that wait to be published, counted to 100,000.")
CONSUMER_AGE = Gauge(
    "stoa_consumer_oldest_age_seconds", "Age of the oldest record that was read and is not settled.", ["consumer"]
)
CONSUMER_LAG = Gauge(
    "stoa_consumer_lag_records",
    "Records that wait in Kafka, of partitions held here.",
    ["consumer", "topic", "partition"],
)
PARKED = Gauge("stoa_parked_events", "Events set aside, by state.", ["consumer", "state"])
PARKED_AGE = Gauge("stoa_parked_oldest_age_seconds", "Since when the oldest waiting event is parked.", ["consumer"])
TASKS = Gauge("stoa_asyncio_tasks", "Tasks of the event loop that shows this: a number that only grows is a leak.")


def _tasks() -> int:
    """Outside of an event loop there are none."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


TASKS.set_function(_tasks)
