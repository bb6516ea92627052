"""`stoa contracts`, as CI and a developer meet it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stoa_devkit.contracts import checking

from .conftest import ROOT, TYPE, a_contract


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "stoa_devkit", "contracts", command]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing in it but the documents of events."""
    (tmp_path / "libs/devkit").mkdir(parents=True)
    (tmp_path / "libs/devkit/pyproject.toml").touch()
    shutil.copytree(ROOT / "docs/events", tmp_path / "docs/events", ignore=shutil.ignore_patterns("released"))
    return tmp_path


def test_what_others_were_promised_and_is_gone_is_refused(checkout: Path) -> None:
    event = a_contract()
    checking.release({event.type: event}, checkout / "docs/events/released")

    said = run("check", checkout)

    assert said.returncode == 1
    assert said.stdout.startswith(f"{TYPE}: was released, and its class is gone. Put the class back")
    assert said.stdout.count("\n") == 1


def test_a_stale_page_is_refused_until_it_is_rendered(checkout: Path) -> None:
    (checkout / "docs/events/README.md").write_text("by hand")

    refused, rendered, fine = (run(command, checkout) for command in ("check", "render", "check"))

    assert refused.returncode == 1
    assert refused.stdout == "README.md: is not what the contracts say. Run `stoa contracts render`. [files]\n"
    assert "1 files changed" in rendered.stdout
    assert fine.returncode == 0


def test_a_release_freezes_every_contract_once(checkout: Path) -> None:
    first, second = run("release", checkout), run("release", checkout)

    assert (first.returncode, second.returncode) == (0, 0), first.stdout + second.stdout
    assert "released/stoa.auth.user.registered.v1/1.0.json" in first.stdout
    assert "released/" not in second.stdout
