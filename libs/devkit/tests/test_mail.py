"""`stoa mail`."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stoa_devkit.cli import app
from stoa_devkit.mail import command
from stoa_devkit.trouble import Trouble

MAILS: list[dict[str, Any]] = [
    {
        "id": "01990000-0000-7000-8000-000000000002",
        "kind": "reset-password",
        "state": "asked",
        "created_at": "2026-01-01T12:00:01+00:00",
        "to": None,
        "subject": None,
        "text": None,
        "token": None,
    },
    {
        "id": "01990000-0000-7000-8000-000000000001",
        "kind": "verify-email",
        "state": "kept",
        "created_at": "2026-01-01T12:00:00+00:00",
        "to": "ada@example.org",
        "subject": "Confirm your e-mail address",
        "text": "Hello,\n\nuse this code:\n\n[code]\n",
        "token": "[code]",
    },
]


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def kept_mails(*, to: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        return [mail for mail in MAILS if to in (None, mail["to"])][:limit]

    monkeypatch.setattr(command, "kept_mails", kept_mails)


def test_mails_are_listed_the_newest_first() -> None:
    told = CliRunner().invoke(app, ["mail"], env={"COLUMNS": "200"})

    assert told.exit_code == 0, told.output
    assert told.output.index("asked") < told.output.index("Confirm your e-mail address")


def test_the_newest_that_can_be_read_is_shown_as_it_is() -> None:
    told = CliRunner().invoke(app, ["mail", "show"])

    assert told.exit_code == 0, told.output
    assert "to: ada@example.org" in told.output
    assert "\n[code]\n" in told.output


def test_programs_get_json() -> None:
    listed = CliRunner().invoke(app, ["mail", "--to", "ada@example.org", "--json"])
    shown = CliRunner().invoke(app, ["mail", "show", "--json"])

    assert [mail["token"] for mail in json.loads(listed.output)] == ["[code]"]
    assert json.loads(shown.output)["token"] == "[code]"


def test_where_nothing_has_come_it_says_why() -> None:
    told = CliRunner().invoke(app, ["mail", "show", "--to", "bob@example.org"])

    assert isinstance(told.exception, Trouble)
    assert "AUTH_SMTP_URL" in str(told.exception)


def test_without_a_platform_it_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("STOA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("AUTH_KEYS_SECRET", raising=False)

    told = CliRunner().invoke(app, ["mail"])

    assert isinstance(told.exception, Trouble)
    assert "stoa up" in str(told.exception)
