"""Which fault comes when: drawn from the seed, so that a run that found something can be run again."""

import random
from collections.abc import Iterator, Sequence

from .fault import Fault
from .process_faults import PROCESS_FAULTS
from .record_faults import RECORD_FAULTS
from .server_faults import SERVER_FAULTS

FAULTS: dict[str, type[Fault]] = {fault.name: fault for fault in (*PROCESS_FAULTS, *SERVER_FAULTS, *RECORD_FAULTS)}
MIXED = 0.25


def rounds(rng: random.Random, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """One fault after the other, each once before any comes again; every fourth round, about, two at the same time."""
    while True:
        drawn = rng.sample(sorted(names), len(names))
        while drawn:
            count = 2 if len(drawn) > 1 and rng.random() < MIXED else 1
            yield tuple(drawn[:count])
            drawn = drawn[count:]
