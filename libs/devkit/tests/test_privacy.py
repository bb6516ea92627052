"""Whatever form a canary is written in, the proof finds it, and nothing that merely looks like it."""

import base64
import gzip
import json
import shutil
import socket
import threading
import zipfile
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa_devkit.privacy import files, redis_keys, tables, topics
from stoa_devkit.privacy.findings import READABLE, UNSEEN, Findings
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


def test_what_is_packed_in_a_file_is_found(folder: Path) -> None:
    needles, findings = needles_of("canary-in-a-zip", "canary-in-a-gzip", "canary-in-a-name"), Findings()
    with zipfile.ZipFile(folder / "data/objects/content/course", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("canary-in-a-name.md", "canary-in-a-zip " * 1000)
    (folder / "logs/auth.log.1.gz").write_bytes(gzip.compress(b"canary-in-a-gzip " * 1000))

    files.look(folder, needles, findings)

    assert set(findings.readable) == {
        ("file data/objects/content/course", "canary 1"),
        ("file data/objects/content/course", "canary 3"),
        ("file logs/auth.log.1.gz", "canary 2"),
    }


def test_an_archive_that_cannot_be_opened_is_told(folder: Path) -> None:
    needles, findings = needles_of("canary"), Findings()
    (folder / "logs/auth.log.1.gz").write_bytes(gzip.compress(b"canary")[:-6])

    files.look(folder, needles, findings)

    assert findings.left_out == ["file logs/auth.log.1.gz: it cannot be read (CannotBeOpened)"]
    assert findings.exit_code == UNSEEN


def test_logs_that_are_not_there_were_not_looked_into(tmp_path: Path) -> None:
    findings = Findings()

    files.look(tmp_path, needles_of(), findings)

    assert [sentence.partition(":")[0] for sentence in findings.left_out] == ["logs"]


def test_only_who_has_seen_everything_says_that_nothing_is_left() -> None:
    all_seen, unseen, readable = Findings(), Findings(), Findings()
    unseen.miss("redis", "it cannot be read")
    readable.miss("redis", "it cannot be read")
    readable.add("mail", "canary 1", times=2)

    assert [each.exit_code for each in (all_seen, unseen, readable)] == [0, UNSEEN, READABLE]
    assert all_seen.verdict.startswith("Nothing readable is left")
    assert unseen.verdict.startswith("This proves nothing: 1 place ")
    assert readable.verdict.startswith("2 findings")


def nobodys_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def test_servers_that_are_away_are_told_and_the_others_are_looked_into_all_the_same() -> None:
    findings, port = Findings(), nobodys_port()

    await tables.look({"auth": f"postgresql://stoa@127.0.0.1:{port}/auth"}, needles_of(), findings)
    await redis_keys.look(f"redis://127.0.0.1:{port}/0", needles_of(), findings)
    await topics.look(f"127.0.0.1:{port}", "", needles_of(), findings)

    assert [sentence.partition(":")[0] for sentence in findings.left_out] == ["auth", "redis", "kafka"]


def test_folders_may_come_and_go_while_they_are_looked_through(folder: Path) -> None:
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            for number in range(50):
                (folder / f"data/objects/part-{number}/in").mkdir(parents=True, exist_ok=True)
            for number in range(50):
                shutil.rmtree(folder / f"data/objects/part-{number}")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(30):
            findings = Findings()
            files.look(folder, needles_of("canary"), findings)
            assert findings.exit_code == 0
    finally:
        is_over.set()
        thread.join()
