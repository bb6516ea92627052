"""What `stoa test` finds, runs and adds up."""

from pathlib import Path

import pytest

from stoa_devkit.checks import suites
from stoa_devkit.checks.suites import Suite

ALONE = ["-p", "no:stoa"]
"""Without our own plug-in, which takes seconds to import."""
PASSING = "def test_one() -> None:\n    assert True\n"
MIXED = PASSING + (
    "def test_two() -> None:\n    assert False\n"
    "import pytest\n@pytest.mark.skip\ndef test_three() -> None: ...\n"
    "@pytest.fixture\ndef broken() -> None:\n    raise ValueError\ndef test_four(broken: None) -> None: ...\n"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folders = ("libs/common/tests", "services/auth/tests", "services/feed/tests")
    for folder in (*folders, "tests/e2e", "tests/outages", "tests/rules"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "libs/common/tests/test_a.py").write_text(PASSING)
    (tmp_path / "services/auth/tests/test_b.py").write_text(PASSING)
    (tmp_path / "tests/e2e/test_c.py").write_text(MIXED)
    (tmp_path / "tests/rules/test_d.py").write_text(PASSING)
    (tmp_path / "tests/outages/test_e.py").write_text(PASSING)
    return tmp_path


def test_folders_without_tests_are_left_out_and_what_needs_a_quiet_machine_comes_last(checkout: Path) -> None:
    found = suites.find(checkout)

    assert [(suite.name, suite.service) for suite in found] == [
        ("e2e", None),
        ("auth", "auth"),
        ("common", None),
        ("rules", None),
        ("outages", None),
    ]
    assert [suite.name for suite in found if suite.is_last] == ["outages"]


def test_what_takes_longest_begins_first(checkout: Path) -> None:
    for name in ("ai", "gateway"):
        (checkout / f"services/{name}/tests").mkdir(parents=True)
        (checkout / f"services/{name}/tests/test_a.py").write_text(PASSING)

    names = [suite.name for suite in suites.find(checkout)]

    assert names[:2] == ["e2e", "auth"]
    assert names.index("gateway") < names.index("ai")


def test_a_suite_is_counted_as_pytest_counts(checkout: Path, tmp_path: Path) -> None:
    outcome = suites.run(Suite("e2e", checkout / "tests" / "e2e"), checkout, {}, arguments=ALONE, folder=tmp_path)

    assert (outcome.passed, outcome.failed, outcome.skipped, outcome.errors) == (1, 1, 1, 1)
    assert not outcome.is_fine


def test_arguments_go_to_pytest(checkout: Path, tmp_path: Path) -> None:
    suite = Suite("e2e", checkout / "tests" / "e2e")

    outcome = suites.run(suite, checkout, {}, arguments=[*ALONE, "-k", "test_one"], folder=tmp_path)

    assert (outcome.passed, outcome.is_fine) == (1, True)


def test_what_tests_start_may_keep_what_it_compiled(checkout: Path, tmp_path: Path) -> None:
    (checkout / "tests/e2e/test_c.py").write_text(
        "import os\ndef test_one() -> None:\n    assert 'PYTHONDONTWRITEBYTECODE' not in os.environ\n"
    )
    variables = {"PYTHONDONTWRITEBYTECODE": "1"}

    outcome = suites.run(Suite("e2e", checkout / "tests/e2e"), checkout, variables, arguments=ALONE, folder=tmp_path)

    assert outcome.is_fine, outcome.output


def test_a_suite_that_cannot_even_be_collected_is_an_error(checkout: Path, tmp_path: Path) -> None:
    (checkout / "libs/common/tests/test_a.py").write_text("import nothing_of_this_name\n")

    outcome = suites.run(
        Suite("common", checkout / "libs/common/tests"), checkout, {}, arguments=ALONE, folder=tmp_path
    )

    assert outcome.errors == 1
    assert not outcome.is_fine
