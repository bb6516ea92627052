"""The test kit's command, as someone at a shell sees it."""

import re
import subprocess
import sys
from uuid import UUID

import pytest

from stoa_events import structured
from stoa_events.contracts import REGISTRY, LearnerEnrolled, python_name
from stoa_events.testkit import an_event, as_json
from stoa_events.testkit.examples import NoSuchExample

PUBLISHED = re.compile(r"(\S+) id ([0-9a-f-]{36}) subject (\S+) sequence (\d+)\n")
TYPE = LearnerEnrolled.type


def _testkit(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stoa_events.testkit", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_ls_shows_every_event() -> None:
    ran = _testkit("ls")

    assert [line.split()[0] for line in ran.stdout.splitlines()] == list(REGISTRY)
    assert [line.split()[2] for line in ran.stdout.splitlines()] == [python_name(event) for event in REGISTRY.values()]


def test_each_published_example_is_about_a_subject_of_its_own(kafka: str, prefix: str) -> None:
    ran = _testkit("publish", TYPE, "--bootstrap", kafka, "--prefix", prefix, "--count", "3")

    found = PUBLISHED.findall(ran.stdout)
    assert [(type_, sequence) for type_, _, _, sequence in found] == [(TYPE, "1")] * 3, ran.stderr
    assert len({UUID(subject) for _, _, subject, _ in found}) == 3


def test_examples_about_one_subject_are_numbered(kafka: str, prefix: str) -> None:
    subject = LearnerEnrolled.example["enrollment_id"]

    ran = _testkit(
        "publish", TYPE, "--bootstrap", kafka, "--prefix", prefix, "--count", "2", "--set", f"enrollment_id={subject}"
    )

    assert [found[2:] for found in PUBLISHED.findall(ran.stdout)] == [(subject, "1"), (subject, "2")], ran.stderr


def test_a_subjects_later_examples_go_on_from_the_sequence_that_is_asked_for(kafka: str, prefix: str) -> None:
    subject = f"enrollment_id={LearnerEnrolled.example['enrollment_id']}"
    later = ["--set", subject, "--count", "2", "--sequence", "3"]

    ran = _testkit("publish", TYPE, "--bootstrap", kafka, "--prefix", prefix, *later)

    assert [found[3] for found in PUBLISHED.findall(ran.stdout)] == ["3", "4"], ran.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["publish", "stoa.content.enrollment.crated.v1"], 2, "There are: stoa.content.enrollment.completed.v1"),
        (["publish", TYPE, "--set", "color=blue"], 2, "has no field color. It has: enrollment_id"),
        (["publish", TYPE, "--set", "course_id=blue"], 2, "course_id: "),
        (["publish", TYPE, "--set", "course_id"], 2, "must read field=value"),
        (["publish", TYPE, "--count", "0"], 2, "from 1 to 100000"),
        (["publish", TYPE, "--sequence", "0"], 2, "from 1 to 1000000000"),
        (["publish", TYPE], 1, "Is the address right?"),
    ],
)
def test_a_command_that_cannot_be_done_says_why_in_a_line(arguments: list[str], code: int, message: str) -> None:
    ran = _testkit(*arguments, "--bootstrap", "127.0.0.1:1")

    assert ran.returncode == code
    assert message in ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr


def test_a_topic_that_is_missing_is_named_and_made_on_demand(kafka: str, prefix: str) -> None:
    elsewhere = ["publish", TYPE, "--bootstrap", kafka, "--prefix", f"{prefix}other."]

    refused, done = _testkit(*elsewhere), _testkit(*elsewhere, "--make-topics")

    assert (refused.returncode, done.returncode) == (1, 0), done.stderr
    assert f"no topic {prefix}other.content.enrollment" in refused.stderr


def test_a_field_that_an_event_has_not_is_refused() -> None:
    with pytest.raises(NoSuchExample, match="no field learner"):
        an_event(LearnerEnrolled, learner="me")


def test_an_event_is_the_example_with_changes() -> None:
    changed = an_event(LearnerEnrolled, course_id=LearnerEnrolled.example["person_id"])

    assert structured.parse(as_json(changed))[1] == changed
    assert changed.enrollment_id == an_event(LearnerEnrolled).enrollment_id
    assert changed.course_id == an_event(LearnerEnrolled).person_id
