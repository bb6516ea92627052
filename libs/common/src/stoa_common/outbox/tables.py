"""The outbox's tables, as SQLAlchemy Core; `stoa_common.tables` has them as a migration."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, SmallInteger, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
SHARDS = 8

event_log = Table(
    "event_log",
    metadata,
    Column("recorded_at", DateTime(timezone=True), primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("organization_id", Uuid),
    Column("headers", JSONB, nullable=False),
    Column("data", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("failed_at", DateTime(timezone=True)),
    Column("error", Text),
)

outbox_shards = Table("outbox_shards", metadata, Column("shard", SmallInteger, primary_key=True))

aggregate_versions = Table(
    "aggregate_versions",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
