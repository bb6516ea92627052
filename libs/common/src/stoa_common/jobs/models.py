"""The jobs table; `stoa_common.tables.jobs_0001` makes it."""

from enum import StrEnum
from typing import Final

from sqlalchemy import Column, DateTime, Float, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN: Final = (JobStatus.QUEUED, JobStatus.RUNNING)

jobs = Table(
    "jobs",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("organization_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("progress", Float, nullable=False),
    Column("step", Text, nullable=False),
    Column("arguments", JSONB, nullable=False),
    Column("result", JSONB),
    Column("problem", JSONB),
    Column("correlation_id", Text),
    Column("traceparent", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
)
