"""Reading logs while they are written."""

from pathlib import Path

import pytest

from stoa_devkit import tail
from stoa_devkit.tail import Tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "content.log"
    path.write_text("one\ntwo\nthree\n")
    return path


def _append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_only_whole_lines_are_told_and_each_once(log: Path) -> None:
    reader = Tail("content", log)

    _append(log, "four\nfi")
    assert list(reader.lines()) == ["four"]
    _append(log, "ve\n")
    assert list(reader.lines()) == ["five"]
    assert list(reader.lines()) == []


def test_the_last_lines_can_be_asked_for(log: Path) -> None:
    reader = Tail("content", log, position=tail.last_lines(log, 2))

    assert list(reader.lines()) == ["two", "three"]


def test_a_log_that_does_not_exist_yet_has_no_lines(tmp_path: Path) -> None:
    assert list(Tail("content", tmp_path / "none.log").lines()) == []


def test_a_log_that_grew_too_large_is_moved_aside_while_it_is_written(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "LARGEST_LOG_BYTES", 10)
    with log.open("a") as writer:
        reader = Tail("content", log)

        tail.keep_small(log)
        writer.write("four\n")

    assert list(reader.lines()) == ["four"]
    assert log.with_suffix(".log.1").read_text() == "one\ntwo\nthree\n"
