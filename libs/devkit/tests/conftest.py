"""What the tests of the command line share."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from platform_under_test import PlatformUnderTest

from stoa_devkit import settings
from stoa_devkit.ports import free_port
from stoa_devkit.servers.testing import servers_for_tests
from stoa_devkit.state import State


@pytest.fixture(scope="session")
def cache() -> Path:
    """The downloads of the development environment."""
    return settings.read().cache


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The servers of this run, or some of our own where nobody gave any."""
    if "STOA_TEST_KAFKA_BOOTSTRAP_SERVERS" in os.environ:
        yield os.environ
        return
    with servers_for_tests(settings.read(), tmp_path_factory.mktemp("servers")) as started:
        yield started


@pytest.fixture
def state(tmp_path: Path) -> State:
    """An empty state folder."""
    return State(tmp_path / ".stoa")


@pytest.fixture
def platform(state: State, addresses: Mapping[str, str]) -> Iterator[PlatformUnderTest]:
    """Two made-up services beside servers that are there already; stopped at the end."""
    variables = {
        "STOA_STATE_DIR": str(state.folder),
        "STOA_GATEWAY_PORT": str(free_port()),
        # One prefix for all runs, so that a shared broker gets these topics once.
        "KAFKA_TOPIC_PREFIX": "devkit-tests.",
        "REDIS_URL": addresses["STOA_TEST_REDIS_URL"],
        "KAFKA_BOOTSTRAP_SERVERS": addresses["STOA_TEST_KAFKA_BOOTSTRAP_SERVERS"],
    }
    found = PlatformUnderTest(state, {**os.environ, **variables})
    yield found
    found.run("down")
