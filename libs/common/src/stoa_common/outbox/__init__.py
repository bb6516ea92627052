"""What happened is recorded here, in the transaction that made it happen: `outbox.add(session, event)`."""

from stoa_common.outbox.recording import CannotBePublished, add, write

__all__ = ["CannotBePublished", "add", "write"]
