"""The checker itself is proved by systems that are wrong. The two fastest are here, `make mutants` runs all."""

from pathlib import Path

import pytest

from .mutants import MUTANTS
from .run import against, run
from .stage import Stage


@pytest.mark.parametrize("name", ["no-inbox", "cursor-relay"])
async def test_a_mutant_is_caught_by_the_equality_that_names_it(name: str, stage: Stage, tmp_path: Path) -> None:
    outcome = await run(stage, against(name, seed=1), tmp_path)

    assert MUTANTS[name].caught_by in outcome.broken, "\n".join(map(str, outcome.verdicts))
