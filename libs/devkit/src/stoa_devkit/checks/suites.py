"""The test suites: one a library, one a service, and one a folder of what holds for the whole repository."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from stoa_devkit.checks.alone import environment_of

LONGEST_SUITE_SECONDS = 1200
#: Two of them take parts of a system away and watch how soon it is well again: after all others, two side by side.
#: They wait more than they compute, and the first takes longest; the third fills what the second leaves.
LAST = ("outages", "faults", "contracts")
#: The others take much less: what begins last is short, so that all end at about the same time.
LONGEST = ("e2e", "auth", "devkit", "gateway", "common", *LAST)
#: Where it is set, as in many containers, every program that a test starts compiles all that it imports again.
NOT_FOR_TESTS = frozenset({"PYTHONDONTWRITEBYTECODE"})
#: Libraries that other teams install without the rest of Stoa, so that their tests run without it too.
PUBLIC = frozenset({"events"})


@dataclass(frozen=True)
class Suite:
    """A folder of tests."""

    name: str
    folder: Path
    service: str | None = None
    """The service, or public library, whose own dependencies are all that its environment holds; None for the
    development environment."""

    @property
    def is_last(self) -> bool:
        """Whether it comes after all others."""
        return self.name in LAST

    def has_tests(self) -> bool:
        """Whether there is a test file in it."""
        return any(self.folder.rglob("test_*.py"))


@dataclass(frozen=True)
class Outcome:
    """What a suite said."""

    suite: Suite
    exit_code: int
    output: str
    seconds: float
    tests: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0

    @property
    def passed(self) -> int:
        """How many tests passed."""
        return self.tests - self.failed - self.errors - self.skipped

    @property
    def is_fine(self) -> bool:
        """Whether it ran to its end and nothing failed."""
        return self.exit_code == 0


def find(root: Path) -> list[Suite]:
    """All suites that have tests: the longest first, and those that need a quiet machine after all others."""
    libraries = [
        Suite(path.name, path / "tests", path.name if path.name in PUBLIC else None)
        for path in sorted((root / "libs").iterdir())
    ]
    services = [Suite(path.name, path / "tests", path.name) for path in sorted((root / "services").iterdir())]
    whole = [Suite(path.name, path) for path in sorted((root / "tests").iterdir()) if path.is_dir()]
    found = [suite for suite in [*services, *libraries, *whole] if suite.has_tests()]
    return sorted(found, key=lambda suite: (suite.is_last, _rank(suite)))


def _rank(suite: Suite) -> int:
    return LONGEST.index(suite.name) if suite.name in LONGEST else len(LONGEST)


def run(suite: Suite, root: Path, variables: Mapping[str, str], *, arguments: Sequence[str], folder: Path) -> Outcome:
    """Run one suite against the servers that the variables name."""
    report, began = folder / f"{suite.name}.xml", time.monotonic()
    python = environment_of(suite.service, root) if suite.service else Path(sys.executable)
    command = [
        str(python),
        "-m",
        "pytest",
        "-q",
        f"--junitxml={report}",
        str(suite.folder.relative_to(root)),
        *arguments,
    ]
    try:
        ran = subprocess.run(  # noqa: S603
            command,
            check=False,
            cwd=root,
            env={name: value for name, value in variables.items() if name not in NOT_FOR_TESTS},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_SUITE_SECONDS,
        )
    except subprocess.TimeoutExpired as late:
        said = late.output.decode(errors="replace") if isinstance(late.output, bytes) else late.output or ""
        return Outcome(suite, 124, f"{said}\nended after {LONGEST_SUITE_SECONDS} s", time.monotonic() - began, errors=1)
    return _outcome(suite, ran.returncode, ran.stdout, report, seconds=time.monotonic() - began)


def _outcome(suite: Suite, exit_code: int, output: str, report: Path, *, seconds: float) -> Outcome:
    if not report.exists():
        return Outcome(suite, exit_code or 1, output, seconds, errors=1)
    # Our own pytest has just written the file.
    counted = next(ElementTree.parse(report).iter("testsuite")).attrib  # noqa: S314
    tests, failed, errors, skipped = (int(counted[name]) for name in ("tests", "failures", "errors", "skipped"))
    return Outcome(suite, exit_code, output, seconds, tests, failed, errors, skipped)
