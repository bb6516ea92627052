"""The consumers' tables, as SQLAlchemy Core; `stoa_common.tables` has them as migrations."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("handled_at", DateTime(timezone=True), nullable=False),
)

consumer_marks = Table(
    "consumer_marks",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)

parked = Table(
    "parked",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("value", LargeBinary),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False),
    Column("next_try_at", DateTime(timezone=True), nullable=False),
    Column("edited_at", DateTime(timezone=True)),
    Column("replay_id", Uuid),
)

consumer_groups = Table(
    "consumer_groups",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("types", ARRAY(Text), nullable=False),
    Column("needs_rebuild", Boolean, nullable=False),
    # The replay that fills the group's emptied tables; until it has ended, nothing live is handled.
    Column("rebuilding", Uuid),
)

bad_events = Table(
    "bad_events",
    metadata,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("headers", JSONB, nullable=False),
    Column("value", LargeBinary),
    Column("error", Text, nullable=False),
    Column("found_at", DateTime(timezone=True), nullable=False),
)
