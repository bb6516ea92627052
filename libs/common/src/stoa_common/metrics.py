"""Prometheus metrics that all services share; names follow Prometheus' conventions."""

from prometheus_client import Counter, Histogram

REQUESTS = Histogram(
    "stoa_http_request_duration_seconds", "Time to answer, by route.", ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
PUBLISHED = Counter("stoa_events_published_total", "Events that the broker acknowledged.")
OUTCOMES = Counter("stoa_events_consumed_total", "Events by what became of them.", ["consumer", "outcome"])
JOBS = Counter("stoa_jobs_total", "Jobs by how they ended.", ["kind", "status"])
