"""What the package needs, and does not."""

import subprocess
import sys

import pytest

WITHOUT_KAFKA = "import sys; sys.modules['aiokafka'] = None; "


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("module", ["contracts", "envelope", "structured", "webhooks", "testkit"])
def test_only_the_consumer_needs_a_kafka_client(module: str) -> None:
    ran = _python(f"{WITHOUT_KAFKA}import stoa_events.{module}")

    assert ran.returncode == 0, ran.stderr


def test_a_consumer_without_its_client_says_what_to_install() -> None:
    ran = _python(f"{WITHOUT_KAFKA}import stoa_events.consumer")

    assert ran.stderr.splitlines()[-1].endswith('install it with: pip install "stoa-events[kafka]"')


def test_importing_the_package_imports_nothing_else_of_stoa() -> None:
    ran = _python(
        "import sys, stoa_events.consumer, stoa_events.testkit, stoa_events.webhooks; "
        "print([n for n in sys.modules if n.startswith('stoa_') and not n.startswith('stoa_events')])"
    )

    assert ran.stdout.strip() == "[]", ran.stderr
