"""Replays as the reader's and as the publisher's service know them; `stoa_common.tables` has them as migrations."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()

replays = Table(
    "replays",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("topics", ARRAY(Text), nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("key", Text),
    Column("recorded_from", DateTime(timezone=True)),
    Column("recorded_until", DateTime(timezone=True)),
    Column("rate", Integer, nullable=False),
    Column("is_rebuild", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
)

# A row for each partition: lanes run side by side, and would wait for each other on one.
replay_counts = Table(
    "replay_counts",
    metadata,
    Column("replay_id", Uuid, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("last_offset", BigInteger, nullable=False),
    Column("handled", BigInteger, nullable=False),
    Column("duplicate", BigInteger, nullable=False),
    Column("stale", BigInteger, nullable=False),
    Column("parked", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
)

replay_ends = Table(
    "replay_ends",
    metadata,
    Column("replay_id", Uuid, primary_key=True),
    Column("publisher", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("partitions", Integer, nullable=False),
    Column("sent", BigInteger, nullable=False),
)

republications = Table(
    "republications",
    metadata,
    Column("replay_id", Uuid, primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("topics", ARRAY(Text), nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("key", Text),
    Column("recorded_from", DateTime(timezone=True)),
    Column("recorded_until", DateTime(timezone=True)),
    Column("rate", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("snapshot", Text),
    Column("topic_index", Integer, nullable=False),
    Column("after_key", Text, nullable=False),
    Column("after_sequence", BigInteger, nullable=False),
    Column("after_id", Uuid, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("next_page_at", DateTime(timezone=True), nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
)

offset_resets = Table(
    "offset_resets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer),
    Column("place", Text, nullable=False),
    Column("place_time", DateTime(timezone=True)),
    Column("partitions", Integer),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("cancelled_at", DateTime(timezone=True)),
)

offset_reset_partitions = Table(
    "offset_reset_partitions",
    metadata,
    Column("reset_id", Uuid, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, nullable=False),
    Column("applied_at", DateTime(timezone=True)),
)
