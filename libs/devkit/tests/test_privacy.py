"""Whatever form a canary is written in, the proof finds it, and nothing that merely looks like it."""

import base64
import json
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_devkit.privacy import files
from stoa_devkit.privacy.findings import Findings
from stoa_devkit.privacy.needles import Needles, forms_of

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=6, max_size=40)


def needles_of(*texts: str) -> Needles:
    return Needles(uuid4(), texts)


@given(text=TEXTS, before=st.binary(max_size=7), after=st.binary(max_size=7))
def test_a_canary_is_found_however_it_was_encoded(text: str, before: bytes, after: bytes) -> None:
    needles, plain = needles_of(text), text.encode()
    written = [
        before + plain + after,
        json.dumps({"text": text}).encode(),
        json.dumps({"text": text}, ensure_ascii=False).encode(),
        quote(text, safe="").encode(),
        base64.b64encode(before + plain + after),
        base64.urlsafe_b64encode(before + plain + after),
    ]

    assert [needles.found_in([each]) for each in written] == [{"canary 1"}] * len(written)


@given(text=TEXTS, others=st.binary(max_size=400))
def test_what_is_not_there_is_not_found(text: str, others: bytes) -> None:
    lowered = others.lower()

    found = needles_of(text).found_in([others])

    assert bool(found) == any(form in others or form.lower() in lowered for form in forms_of(text))


def test_letters_case_does_not_matter() -> None:
    assert needles_of("Ada.Canary@Example.org").found_in([b"ada.canary@example.org"]) == {"canary 1"}


def test_an_id_is_found_as_text_and_as_bytes() -> None:
    needles = needles_of()
    person = needles.person_id

    assert [needles.found_in([each]) for each in (str(person).encode(), person.hex.encode(), person.bytes)] == [
        {"id"}
    ] * 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("logs", "data/objects/content", "data/postgres/base"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def test_logs_and_objects_are_looked_at_and_the_servers_disks_are_not(folder: Path) -> None:
    needles, findings = needles_of("canary-in-a-file"), Findings()
    (folder / "logs/auth.log").write_text("a line with canary-in-a-file\n")
    (folder / "data/objects/content/archive").write_bytes(b"\0" * ((1 << 20) - 4) + b"canary-in-a-file")
    (folder / "data/postgres/base/1").write_text("canary-in-a-file")

    files.look(folder, needles, findings)

    assert set(findings.readable) == {
        ("file logs/auth.log", "canary 1"),
        ("file data/objects/content/archive", "canary 1"),
    }


def test_a_bare_id_may_stand_in_a_log_and_nowhere_else(folder: Path) -> None:
    needles, findings = needles_of(), Findings()
    (folder / "logs/auth.log").write_text(f"person_id={needles.person_id}\n")
    (folder / "data/objects/content" / f"{needles.person_id}.pdf").write_text("a plan")

    files.look(folder, needles, findings)

    assert list(findings.opaque) == ["file logs/auth.log"]
    assert [what for _, what in findings.readable] == ["id"]
