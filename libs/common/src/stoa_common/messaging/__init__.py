"""Events in and out: outbox and relay, `EventRouter` with its three doors, inbox, parking."""

from stoa_common.messaging.router import BadRecords, Batch, BatchRecord, EventRouter

__all__ = ["BadRecords", "Batch", "BatchRecord", "EventRouter"]
