"""Rules of erasures: who has to answer, and when an answer is late."""

from collections.abc import Collection, Iterable
from typing import Final

from stoa_events.contracts.operations import SERVICES

EXPECTED: Final = SERVICES


def waiting_for(completed: Collection[str]) -> list[str]:
    """The services that have not said yet that they have forgotten the person."""
    return [service for service in EXPECTED if service not in completed]


def is_complete(completed: Iterable[str]) -> bool:
    return not waiting_for(set(completed))
