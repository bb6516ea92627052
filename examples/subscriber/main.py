"""Counts the learners of each course, once each: `KAFKA_BOOTSTRAP_SERVERS=HOST:PORT python main.py`."""

import asyncio
import logging
import os
import sqlite3
import sys
from contextlib import closing

from stoa_events.consumer import Subscriber
from stoa_events.contracts import LearnerEnrolled
from stoa_events.envelope import Envelope

address = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or sys.exit("Set KAFKA_BOOTSTRAP_SERVERS: `stoa status` shows it.")
prefix = os.environ.get("KAFKA_TOPIC_PREFIX", "")
database = sqlite3.connect("enrollments.sqlite")
database.execute(
    "CREATE TABLE IF NOT EXISTS inbox (event_id TEXT PRIMARY KEY, handled_at TEXT DEFAULT CURRENT_TIMESTAMP)"
)
database.execute("CREATE TABLE IF NOT EXISTS courses (course_id TEXT PRIMARY KEY, learners INTEGER NOT NULL)")
instance = os.environ.get("INSTANCE")  # A name of its own for each process of the group.
subscriber = Subscriber(address, group="example.enrollments", topic_prefix=prefix, group_instance_id=instance)


@subscriber.on(LearnerEnrolled)
async def count(event: LearnerEnrolled, envelope: Envelope) -> None:
    # One transaction: the event's id and what it changes, or neither. Nothing is awaited inside it, because handlers of
    # other subjects run meanwhile on the same connection; with an asynchronous driver take a connection for each.
    with database:
        new = database.execute(
            "INSERT INTO inbox (event_id) VALUES (?) ON CONFLICT DO NOTHING", [str(envelope.id)]
        ).rowcount
        if not new:
            return  # It has come before: delivery is at least once.
        [(learners,)] = database.execute(
            "INSERT INTO courses VALUES (?, 1) ON CONFLICT DO UPDATE SET learners = learners + 1 RETURNING learners",
            [str(event.course_id)],
        )
    print(f"{event.enrolled_at:%H:%M:%S} course {event.course_id} has {learners} learners", flush=True)


logging.basicConfig(level=logging.INFO)
with closing(database):
    with database:  # A program that runs for months does this daily.
        database.execute("DELETE FROM inbox WHERE handled_at < datetime('now', '-30 days')")
    asyncio.run(subscriber.run())
