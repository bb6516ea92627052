"""A short run of what `make faults` does for as long as one likes."""

import random
from pathlib import Path

from .run import Options, run
from .stage import Stage

FAULTS = (
    "api-killed-after-commit",
    "relay-killed",
    "relay-killed-after-send",
    "consumer-killed-after-commit",
    "relay-blinks",
    "duplicates",
    "poison",
    "bug-on-one-key",
    "enroller-database-restarted",
    "reader-database-restarted",
    "broker-down-5s",
)
#: How soon ages are back is for `make faults` on a machine of its own.
SLACK = 8.0


async def test_nothing_is_lost_doubled_or_disordered_under_faults(stage: Stage, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    options = Options(30, seed, rate=100, only=FAULTS, slack=SLACK, rest_seconds=60, duplicates_at_least=200)
    print(f"seed {seed}")

    outcome = await run(stage, options, tmp_path)

    assert outcome.holds, "\n".join(map(str, [f"seed {seed}", *outcome.verdicts]))


async def test_without_faults_nothing_is_published_twice(stage: Stage, tmp_path: Path) -> None:
    outcome = await run(stage, Options(5, seed=1, rate=100, only=(), slack=SLACK, rest_seconds=60), tmp_path)

    assert outcome.holds, "\n".join(map(str, outcome.verdicts))
    assert outcome.events > 100
