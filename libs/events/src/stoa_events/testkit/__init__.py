"""Events to test a subscriber with: each contract's example, as an object, a record, JSON or a signed request.

`python -m stoa_events.testkit publish TYPE --bootstrap HOST:PORT` sends one to a broker.
"""

from stoa_events.testkit.examples import an_event, find
from stoa_events.testkit.records import Message, a_delivery, a_record, an_envelope, as_json, new_id, now
from stoa_events.testkit.sending import TopicIsMissing, make_topics, publish

__all__ = [
    "Message",
    "TopicIsMissing",
    "a_delivery",
    "a_record",
    "an_envelope",
    "an_event",
    "as_json",
    "find",
    "make_topics",
    "new_id",
    "now",
    "publish",
]
