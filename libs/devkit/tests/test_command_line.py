"""The command line as a newcomer meets it."""

import pytest
from platform_under_test import PlatformUnderTest

COMMANDS = [
    "up",
    "down",
    "status",
    "logs",
    "reset",
    "doctor",
    "check",
    "test",
    "contracts",
    "api",
    "events",
    "mail",
    "audit",
    "with-servers",
]


def test_help_lists_every_command(platform: PlatformUnderTest) -> None:
    said = platform.run("--help").stdout

    assert all(f"  {command} " in said for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(platform: PlatformUnderTest, command: str) -> None:
    said = platform.run(command, "--help")

    assert said.returncode == 0
    assert said.stdout.splitlines()[2].strip().endswith(".")


def test_outside_a_running_platform_each_command_says_so(platform: PlatformUnderTest) -> None:
    assert "does not run here" in platform.run("status").stdout
    assert "does not run here" in platform.run("down").stdout
    assert "no logs yet" in platform.run("logs").stderr
    assert "nothing to delete" in platform.run("reset", "--yes").stdout


def test_doctor_finds_what_is_wrong_and_says_how_to_mend_it(platform: PlatformUnderTest) -> None:
    (platform.state.data / "postgres").mkdir(parents=True)

    said = platform.run("doctor")

    assert said.returncode == 1
    assert "✗ state" in said.stdout
    assert "stoa reset" in said.stdout
    assert "✓ PostgreSQL" in said.stdout


def test_a_command_runs_beside_servers_of_its_own(platform: PlatformUnderTest) -> None:
    said = platform.run("with-servers", "--", "sh", "-c", "echo $STOA_TEST_POSTGRES_URL; exit 7")

    assert said.returncode == 7
    assert said.stdout.startswith("postgresql://")


def test_an_unknown_engine_is_one_sentence(platform: PlatformUnderTest) -> None:
    said = platform.run("with-servers", "--", "true", STOA_TEST_ENGINE="podman")

    assert said.returncode == 1
    assert said.stderr.strip() == "stoa: STOA_TEST_ENGINE is 'podman', and must be `embedded` or `docker`."
