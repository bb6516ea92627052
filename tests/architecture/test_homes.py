"""Time, identity and the environment come in by one door each, so that tests can hold that door."""

import pytest

from .conftest import Source, sources, told

#: Runs programs and asks the machine, so the environment and the wall clock are its subject.
DEVKIT = "libs/devkit/"
TESTING = "libs/common/src/stoa_common/testing/"
HOMES: dict[str, tuple[frozenset[str], tuple[str, ...], str]] = {
    "environment": (
        frozenset({"os.environ", "os.environb", "os.getenv", "os.putenv"}),
        ("libs/common/src/stoa_common/settings.py", DEVKIT, TESTING),
        "Declare a field in the service's Settings: the environment is read once, in stoa_common.settings.",
    ),
    "ids": (
        frozenset({"uuid.uuid1", "uuid.uuid3", "uuid.uuid4", "uuid.uuid5", "uuid.uuid6", "uuid.uuid7", "uuid.uuid8"}),
        ("libs/common/src/stoa_common/ids.py",),
        "Call stoa_common.ids.new_id(): ids are UUIDv7, and sort by their time of birth.",
    ),
    "clock": (
        frozenset(
            {
                "datetime.datetime.now",
                "datetime.datetime.utcnow",
                "datetime.datetime.today",
                "datetime.date.today",
                "time.time",
                "time.time_ns",
            }
        ),
        (
            "libs/common/src/stoa_common/clock.py",
            # A token's times are seconds since the epoch (RFC 7519), compared at every request.
            "libs/common/src/stoa_common/security.py",
            DEVKIT,
            TESTING,
            # For other teams' tests, who have no stoa_common.
            "libs/events/src/stoa_events/testkit/records.py",
        ),
        "Call stoa_common.clock.now(), or better: take the time as an argument. To measure, use time.perf_counter().",
    ),
}


def strays(source: Source, *, rule: str) -> list[str]:
    names, homes, _ = HOMES[rule]
    if source.is_in(*homes):
        return []
    return sorted({f"{source.place}:{line}: {name}" for line, name in source.names() if name in names})


@pytest.mark.parametrize("rule", HOMES)
def test_everything_lives_in_its_home(rule: str) -> None:
    found = [stray for source in sources() for stray in strays(source, rule=rule)]

    assert not found, told(found, instead=HOMES[rule][2])


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("environment", "import os\nos.environ['A']"),
        ("environment", "from os import environ as e\ne.get('A')"),
        ("environment", "import os as system\nsystem.getenv('A')"),
        ("ids", "import uuid\nuuid.uuid4()"),
        ("ids", "from uuid import uuid4\nuuid4()"),
        ("clock", "from datetime import UTC, datetime\ndatetime.now(UTC)"),
        ("clock", "import datetime as dt\ndt.datetime.utcnow()"),
        ("clock", "import time\ntime.time()"),
        ("clock", "from datetime import datetime\nnow = datetime.now"),
    ],
)
def test_each_way_to_stray_is_seen(rule: str, text: str) -> None:
    assert strays(Source("services/some/src/stoa_some/feature/service.py", text), rule=rule)


def test_measuring_and_parsing_are_no_strays() -> None:
    text = "import time\nfrom datetime import datetime\ntime.perf_counter()\ndatetime.fromisoformat('2026-01-01')"

    assert not strays(Source("services/some/src/stoa_some/feature/service.py", text), rule="clock")
