"""A consumer of Stoa's topics that loses nothing: `pip install "stoa-events[kafka]"`.

Delivery is at least once: after a crash, a rebalance or a retry the same event may come again, with the same
`envelope.id`. Per key (`envelope.subject`) events come in order. Personal fields arrive sealed and read as None.
"""

from importlib.util import find_spec

if find_spec("aiokafka") is None:
    raise ImportError('stoa_events.consumer reads Kafka by aiokafka; install it with: pip install "stoa-events[kafka]"')

from stoa_events.consumer.counts import Counts, Outcome
from stoa_events.consumer.failures import Failure, HandlerTooSlow, Retry, SubscriptionFailed, stop
from stoa_events.consumer.inbox import Inbox, MemoryInbox, Order, SequenceCheck
from stoa_events.consumer.record import Record
from stoa_events.consumer.subscriber import Subscriber

__all__ = [
    "Counts",
    "Failure",
    "HandlerTooSlow",
    "Inbox",
    "MemoryInbox",
    "Order",
    "Outcome",
    "Record",
    "Retry",
    "SequenceCheck",
    "Subscriber",
    "SubscriptionFailed",
    "stop",
]
