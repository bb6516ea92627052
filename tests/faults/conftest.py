"""The servers of the fault runs, started once: the runs have databases and topics of their own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "probe"))

from stoa_devkit.settings import read as read_settings

from .stage import Stage, a_stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with a_stage(tmp_path_factory.mktemp("faults"), cache=read_settings().cache) as started:
        yield started
