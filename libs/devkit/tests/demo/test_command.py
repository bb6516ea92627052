from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from stoa_devkit.demo.command import demo
from stoa_devkit.ports import free_port

app = typer.Typer()
app.command()(demo)


def test_a_gateway_that_does_not_answer_is_told_at_once() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    result = CliRunner().invoke(app, ["--gateway", url, "--json"])

    assert result.exit_code == 2
    assert f"stoa: Nothing answers at {url}" in result.stderr
    assert result.stdout == ""


def test_an_address_that_is_no_url_is_told_in_a_sentence() -> None:
    result = CliRunner().invoke(app, ["--gateway", "localhost:8000"])

    assert result.exit_code == 2
    assert "stoa: Nothing answers at localhost:8000" in result.stderr


def test_a_course_that_is_not_there_is_told_before_anybody_registers() -> None:
    result = CliRunner().invoke(app, ["--gateway", "http://127.0.0.1:1", "--course", "/nowhere"])

    assert result.exit_code == 1
    assert "stoa: The course /nowhere can't be read" in result.stderr


def test_without_a_platform_it_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOA_STATE_DIR", str(tmp_path / "state"))

    result = CliRunner().invoke(app, [])

    assert result.exit_code == 2
    assert "stoa: Stoa does not run here: start it with `stoa up`" in " ".join(result.stderr.split())
