"""What may be replayed to whom, and what is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from stoa_common.errors import Conflict, FieldError, Invalid, NotFound
from stoa_common.messaging.router import EventRouter
from stoa_events.contract import REGISTRY

DEFAULT_RATE: Final = 500
HIGHEST_RATE: Final = 20_000
#: How long before the inbox forgets an event it may be asked for: sending takes its time.
MARGIN: Final = timedelta(days=1)


class State(StrEnum):
    REQUESTED = "requested"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class GroupIsUnknown(NotFound):
    """The service has no consumer group of this name."""


class ReplayNotFound(NotFound):
    """There is no such replay."""


class ReplayIsWrong(Invalid):
    """The replay asks for what cannot be; the errors name the fields."""


class ReplayIsTooOld(Invalid):
    """Events are asked for of which neither inbox nor marks could tell whether they were applied."""


class ReplayIsActive(Conflict):
    """One replay at a time: their records would mix in the group's replay topic."""


class GroupCannotBeRebuilt(Conflict):
    """The group has no tables that could be emptied and filled anew."""


class GroupNeedsItsRebuild(Conflict):
    """The group's tables are half filled, since a rebuild was cancelled."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator asks to be replayed. No types: all that the group reads."""

    types: Sequence[str] = ()
    key: str | None = None
    recorded_from: datetime | None = None
    recorded_until: datetime | None = None
    rate: int = DEFAULT_RATE
    rebuild: bool = False


def find_group(routers: Sequence[EventRouter], group: str) -> EventRouter:
    """Raises GroupIsUnknown, which names the groups that there are."""
    readers = {router.group: router for router in routers if router.read_topics}
    if group not in readers:
        raise GroupIsUnknown(f"Name one of this service's groups: {', '.join(sorted(readers))}.")
    return readers[group]


def check(wanted: Wanted, router: EventRouter, *, at: datetime, inbox: timedelta) -> None:
    """Raises ReplayIsWrong, GroupCannotBeRebuilt or ReplayIsTooOld; `inbox` is how long the inbox remembers."""
    if errors := [*_wrong_fields(wanted, router)]:
        raise ReplayIsWrong(f"This cannot be replayed to {router.group}.", errors=errors)
    if wanted.rebuild:
        _check_rebuild(wanted, router)
    else:
        _check_age(wanted, router, oldest=at - inbox + MARGIN)


def types_of(wanted: Wanted, router: EventRouter) -> list[str]:
    """The types that publishers send; none stands for every event of the topics, known to this program or not."""
    if wanted.types:
        return list(wanted.types)
    return [] if router.batches else router.read_types


def topics_of(wanted: Wanted, router: EventRouter) -> list[str]:
    """The topics of these types, in the order in which the router declares them."""
    if not wanted.types:
        return router.read_topics
    of_types = {REGISTRY[name].topic for name in wanted.types}
    return [topic for topic in router.read_topics if topic in of_types]


def publishers_of(topics: Sequence[str]) -> list[str]:
    """The services that publish these topics."""
    return sorted({topic.partition(".")[0] for topic in topics})


def can_be_rebuilt(router: EventRouter) -> bool:
    return bool(router.rebuilds or router.emptying) and not router.rebuild_refused


def _wrong_fields(wanted: Wanted, router: EventRouter) -> list[FieldError]:
    read = set(router.read_types)
    wrong = [FieldError(field="types", message=_type_error(name)) for name in wanted.types if name not in read]
    if wanted.key == "":
        wrong.append(FieldError(field="key", message="Give the id of an aggregate, or leave it out."))
    if wanted.recorded_from and wanted.recorded_until and wanted.recorded_from >= wanted.recorded_until:
        wrong.append(FieldError(field="to", message="Must be later than `from`."))
    if not 1 <= wanted.rate <= HIGHEST_RATE:
        wrong.append(FieldError(field="rate", message=f"From 1 to {HIGHEST_RATE} events a second."))
    return wrong


def _type_error(name: str) -> str:
    return f"{name} is not read by this group." if name in REGISTRY else f"{name} is no event type."


def _check_rebuild(wanted: Wanted, router: EventRouter) -> None:
    if router.rebuild_refused:
        raise GroupCannotBeRebuilt(router.rebuild_refused)
    if not can_be_rebuilt(router):
        raise GroupCannotBeRebuilt(f"{router.group} declares no tables that a rebuild could fill: ask for a replay.")
    if wanted.types or wanted.key is not None or wanted.recorded_from or wanted.recorded_until:
        raise ReplayIsWrong(
            "A rebuild empties everything and replays everything.",
            errors=[FieldError(field="rebuild", message="Leave out types, key, from and to.")],
        )


def _check_age(wanted: Wanted, router: EventRouter, *, oldest: datetime) -> None:
    types = wanted.types or list(router.subscriptions)
    unmarked = [name for name in types if name in router.subscriptions and REGISTRY[name].single]
    if unmarked and (wanted.recorded_from is None or wanted.recorded_from < oldest):
        raise ReplayIsTooOld(
            f"{', '.join(unmarked)}: what the inbox has forgotten, and nothing else marks, could be applied twice. "
            f"Give `from` as {oldest.isoformat(timespec='seconds')} or later, or ask for a rebuild.",
            errors=[FieldError(field="from", message=f"Not before {oldest.isoformat(timespec='seconds')}.")],
        )
