"""Systems with one part made wrong, each in a way that somebody has shipped: the checker must catch every one.

`python -m tests.faults.mutants NAME MODULE ROLE` is a process of the probe with that part swapped before it starts.
"""

import asyncio
import random
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """What it breaks, the faults that show it, and the equality that must name it."""

    swap: Callable[[], None]
    caught_by: str
    faults: tuple[str, ...] = ()
    relays: int = 2


def commit_before_handle() -> None:
    """The offset is committed, and then the event is handled."""
    from stoa_common.messaging.handling import Handling, Outcome

    take = Handling.take
    handled_later: set[asyncio.Task[Any]] = set()

    async def handle_later(self: Any, record: Any) -> None:
        await asyncio.sleep(0.5)
        await take(self, record)

    async def take_at_once(self: Any, record: Any) -> Outcome:
        later = asyncio.create_task(handle_later(self, record))
        handled_later.add(later)
        later.add_done_callback(handled_later.discard)
        return Outcome.HANDLED

    Handling.take = take_at_once  # type: ignore[method-assign]


def no_inbox() -> None:
    """Whatever comes is handled, whether it was before or not."""
    from stoa_common.messaging.handling import Handling
    from stoa_common.messaging.inbox import Admission

    admit = Handling._admit

    async def admit_all(self: Any, *arguments: Any, **options: Any) -> Admission:
        return replace(await admit(self, *arguments, **options), fresh=True, ahead=True)

    Handling._admit = admit_all  # type: ignore[method-assign]


def delete_before_acknowledge() -> None:
    """What was sent counts as arrived."""
    from stoa_common.messaging.sender import Sender

    send = Sender.send
    sent_later: set[asyncio.Task[Any]] = set()

    async def send_and_hope(self: Any, records: Any) -> None:
        later = asyncio.create_task(send(self, list(records)))
        sent_later.add(later)
        later.add_done_callback(sent_later.discard)

    Sender.send = send_and_hope  # type: ignore[method-assign]


def skip_locked_rows() -> None:
    """Two relays take different rows of one shard at the same time.

    A moment passes between reading and sending, as on a busy machine: the shard's lock would cover it, rows' don't.
    """
    from stoa_common.messaging import relay
    from stoa_common.messaging.sender import Sender

    send = Sender.send

    async def send_a_moment_later(self: Any, records: Any) -> None:
        await asyncio.sleep(random.uniform(0, 0.05))
        await send(self, records)

    Sender.send = send_a_moment_later  # type: ignore[method-assign]
    relay._LOCK = "SELECT unnest($1::smallint[]) AS shard"  # type: ignore[misc]
    relay._READ = relay._READ.replace("LIMIT $2", "LIMIT $2 FOR UPDATE SKIP LOCKED")  # type: ignore[misc]


def cursor_relay() -> None:
    """The relay remembers how far it came, and looks at nothing before that: what commits late is never seen."""
    from stoa_common.messaging.relay import _Part

    publish = _Part._publish
    came_to: dict[int, int] = {}

    async def publish_what_follows(self: Any, connection: Any, rows: Any) -> bool:
        following = [row for row in rows if row["position"] > came_to.get(id(self), 0)]
        if not following or not await publish(self, connection, following):
            return False
        came_to[id(self)] = max(row["position"] for row in following)
        return True

    _Part._publish = publish_what_follows  # type: ignore[method-assign]


MUTANTS: dict[str, Mutant] = {
    "commit-before-handle": Mutant(commit_before_handle, "I4", faults=("consumer-killed",)),
    "delete-before-acknowledge": Mutant(delete_before_acknowledge, "I2", faults=("relays-killed-in-outage",)),
    "skip-locked-rows": Mutant(skip_locked_rows, "I6", faults=("relay-blinks",)),
    "no-inbox": Mutant(no_inbox, "I5", faults=("duplicates",)),
    # Two would each see some of what the other does not.
    "cursor-relay": Mutant(cursor_relay, "I2", relays=1),
}


def main() -> None:
    _, name, module, *roles = sys.argv
    MUTANTS[name].swap()
    sys.argv = [module, *roles]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main()
