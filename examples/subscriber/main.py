"""Counts the learners of each course, once each: `KAFKA_BOOTSTRAP_SERVERS=HOST:PORT python main.py`."""

import asyncio
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
database.execute("CREATE TABLE IF NOT EXISTS inbox (event_id TEXT PRIMARY KEY)")
database.execute("CREATE TABLE IF NOT EXISTS courses (course_id TEXT PRIMARY KEY, learners INTEGER NOT NULL)")
subscriber = Subscriber(address, group="example.enrollments", topic_prefix=prefix)


@subscriber.on(LearnerEnrolled)
async def count(event: LearnerEnrolled, envelope: Envelope) -> None:
    with database:  # One transaction: the event's id and what it changes, or neither.
        new = database.execute("INSERT INTO inbox VALUES (?) ON CONFLICT DO NOTHING", [str(envelope.id)]).rowcount
        if not new:
            return  # It has come before: delivery is at least once.
        [(learners,)] = database.execute(
            "INSERT INTO courses VALUES (?, 1) ON CONFLICT DO UPDATE SET learners = learners + 1 RETURNING learners",
            [str(event.course_id)],
        )
    print(f"{event.enrolled_at:%H:%M:%S} course {event.course_id} has {learners} learners", flush=True)


with closing(database):
    asyncio.run(subscriber.run())
