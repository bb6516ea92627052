"""One platform for all of these tests, with a collector beside it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from collector import Collector
from platforms import ROOT, STOA, Platform, a_platform
from world import World, make_world

__all__ = ["ROOT", "STOA", "Platform"]


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    collector = Collector()
    collector.start()
    yield collector
    collector.stop()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Platform]:
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        # All tests ask from one address, and in a hurry.
        "GATEWAY_LIMITS_SCALE": "100",
    }
    with a_platform(tmp_path_factory.mktemp("platform"), **variables) as started:
        yield started


@pytest.fixture(scope="session")
def api(platform: Platform) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=platform.gateway, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def world(api: httpx2.Client, platform: Platform) -> World:
    return make_world(api, platform.stoa)
