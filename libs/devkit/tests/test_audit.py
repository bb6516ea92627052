"""`stoa audit`, as an operator or an auditor types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stoa_common import hash_chain
from stoa_devkit.audit.command import audit
from stoa_devkit.ports import free_port

RECORDS = 6


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(audit, list(arguments))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export with some records."""
    lines, head = [], hash_chain.GENESIS
    for number in range(1, RECORDS + 1):
        body = hash_chain.canonical({"action": "member.invite", "chain": "platform", "number": number})
        previous, head = head, hash_chain.digest(head, body)
        lines.append(hash_chain.link_line(previous=previous, body=body, hash=head))
    file = tmp_path / "audit.ndjson"
    file.write_bytes(b"".join([*lines, hash_chain.end_line("platform", head=head, records=RECORDS)]))
    return file


def _head(export: Path) -> str:
    head: str = json.loads(export.read_bytes().splitlines()[-1])["head"]
    return head


def test_an_export_is_verified_without_a_platform(export: Path) -> None:
    result = _run("verify", str(export))

    assert result.exit_code == 0
    assert result.stdout == f"platform: {RECORDS} records hold; head {_head(export)}\n"


def test_the_first_bad_record_of_an_export_is_named(export: Path) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b"invite", b"invito")
    export.write_bytes(b"".join(lines))

    result = _run("verify", str(export))

    assert result.exit_code == 1
    assert result.stdout == "platform: BROKEN at record 4: it was altered.\n"


def test_programs_are_told_in_json(export: Path) -> None:
    export.write_bytes(b"".join(export.read_bytes().splitlines(keepends=True)[:-1]))

    result = _run("verify", str(export), "--json")

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert not told["holds"]
    assert told["logs"][0]["broken"]["number"] == RECORDS + 1


def test_a_noted_head_must_have_been_passed(export: Path) -> None:
    held = _run("verify", str(export), "--head", _head(export))
    missed = _run("verify", str(export), "--head", "ab" * 32)

    assert held.exit_code == 0
    assert missed.exit_code == 1
    assert "noted head" in missed.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "--head", "ab" * 32],
        ["verify", "--head", "AB" * 32, "--organization", "platform"],
        ["verify", "--organization", "mine"],
        ["verify", "there-is-no-such-file"],
        ["export", "no/such/folder/audit.ndjson", "--gateway", "http://127.0.0.1:9"],
    ],
)
def test_what_names_no_log_is_refused_before_anything_is_asked(arguments: list[str]) -> None:
    result = _run(*arguments)

    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_gateway_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    file = tmp_path / "audit.ndjson"

    for command in (["verify"], ["export", str(file)]):
        result = _run(*command, "--gateway", url)
        assert result.exit_code == 2
        assert f"stoa: Nothing answers at {url}" in result.stderr

    assert list(tmp_path.iterdir()) == []
