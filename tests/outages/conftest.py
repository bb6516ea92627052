"""A platform whose parts are taken away; it is nobody else's."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parents[2] / "services" / "gateway" / "tests"))

from platforms import Platform

from .parts import Parts
from .school import School, make_school
from .stage import a_stage, state_of


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with a_stage(tmp_path_factory.mktemp("outages")) as started:
        yield started


@pytest.fixture(scope="session")
def parts(platform: Platform) -> Parts:
    return Parts(state_of(platform))


@pytest.fixture(scope="session")
def school(platform: Platform) -> School:
    return make_school(platform)
