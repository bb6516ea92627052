"""A platform whose parts are taken away; it is nobody else's."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parents[2] / "services" / "gateway" / "tests"))

from .parts import Parts
from .school import School, make_school
from .stage import Stage, a_stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with a_stage(tmp_path_factory.mktemp("outages")) as started:
        yield started


@pytest.fixture(scope="session")
def parts(stage: Stage) -> Parts:
    return Parts(stage.state, stage.models)


@pytest.fixture(scope="session")
def school(stage: Stage) -> School:
    return make_school(stage)
