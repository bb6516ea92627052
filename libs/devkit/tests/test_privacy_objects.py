"""The proof looks into object storage as content keeps uploads there: in a folder of one's own, or in S3."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store, from_url

from stoa_common.testing.object_storage import ObjectStorage, object_storage
from stoa_common.testing.ports import free_port
from stoa_devkit.privacy import objects
from stoa_devkit.privacy.findings import UNSEEN, Findings
from stoa_devkit.privacy.needles import Needles
from stoa_devkit.settings import Settings


def told(folder: Path, storage: ObjectStorage) -> Settings:
    """What content is told of a bucket; its secret as a file, as in compose."""
    (folder / "secret").write_text(f"{storage.secret_access_key}\n")
    variables = {
        "CONTENT_OBJECTS_URL": "s3://uploads",
        "CONTENT_OBJECTS_ENDPOINT": storage.endpoint,
        "CONTENT_OBJECTS_ACCESS_KEY_ID": storage.access_key_id,
        "CONTENT_OBJECTS_SECRET_ACCESS_KEY_FILE": str(folder / "secret"),
    }
    return Settings(folder, variables)


def nobody() -> ObjectStorage:
    """Where no server is."""
    return ObjectStorage(f"http://127.0.0.1:{free_port()}")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ObjectStorage]:
    """A server with a bucket."""
    async with object_storage(tmp_path_factory.mktemp("s3"), _put, away=(BaseError, OSError)) as storage:
        yield storage


async def _put(storage: ObjectStorage) -> None:
    await asyncio.to_thread(a_store(storage).put, "ready", b"ready")


def a_store(storage: ObjectStorage) -> ObjectStore:
    credentials: Any = {
        "access_key_id": storage.access_key_id,
        "secret_access_key": storage.secret_access_key,
        "region": "us-east-1",
    }
    return S3Store("uploads", endpoint=storage.endpoint, client_options={"allow_http": True}, **credentials)


def a_course(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("course.md", f"{text} " * 1000)
    return packed.getvalue()


def looked(settings: Settings, needles: Needles) -> Findings:
    findings = Findings()
    objects.look(settings, needles, findings)
    return findings


def check_that_all_is_found_until_it_is_deleted(settings: Settings, store: ObjectStore) -> None:
    needles = Needles(uuid4(), ("canary-as-it-is", "canary-in-a-course"))
    mine, plain = f"imports/{needles.person_id}/course", "imports/plain"
    store.put(mine, a_course("canary-in-a-course"))
    store.put(plain, b"\0" * (9 << 20) + b"canary-as-it-is")

    before = looked(settings, needles)
    store.delete([mine, plain])
    after = looked(settings, needles)

    assert set(before.readable) == {
        (f"object {mine}", "id"),
        (f"object {mine}", "canary 2"),
        (f"object {plain}", "canary 1"),
    }
    assert (before.left_out, after.left_out, after.exit_code) == ([], [], 0)
    assert after.looked_at == [f"objects: {settings.get('CONTENT_OBJECTS_URL')}"]


def test_a_folder_of_ones_own_is_looked_into(tmp_path: Path) -> None:
    settings = Settings(tmp_path, {"CONTENT_OBJECTS_URL": tmp_path.as_uri()})

    check_that_all_is_found_until_it_is_deleted(settings, from_url(tmp_path.as_uri()))


@pytest.mark.slow
async def test_s3_is_looked_into(s3: ObjectStorage, tmp_path: Path) -> None:
    await asyncio.to_thread(check_that_all_is_found_until_it_is_deleted, told(tmp_path, s3), a_store(s3))


@pytest.mark.slow
async def test_what_s3_does_not_show_is_told(s3: ObjectStorage, tmp_path: Path) -> None:
    no_bucket = {**told(tmp_path, s3).variables, "CONTENT_OBJECTS_URL": "s3://elsewhere"}
    without_bucket = await asyncio.to_thread(looked, Settings(tmp_path, no_bucket), Needles(uuid4(), ()))
    a_stranger = told(tmp_path, ObjectStorage(s3.endpoint, s3.access_key_id, "another"))
    of_a_stranger = await asyncio.to_thread(looked, a_stranger, Needles(uuid4(), ()))

    for findings in (without_bucket, of_a_stranger):
        assert findings.exit_code == UNSEEN
        assert "does not let itself be read" in findings.left_out[0]


@pytest.mark.slow
def test_a_storage_that_is_away_is_told(tmp_path: Path) -> None:
    findings = looked(told(tmp_path, nobody()), Needles(uuid4(), ()))

    assert (findings.exit_code, len(findings.left_out)) == (UNSEEN, 1)


def test_a_secret_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    settings = told(tmp_path, nobody())
    (tmp_path / "secret").unlink()

    findings = looked(settings, Needles(uuid4(), ()))

    assert findings.left_out == [
        f"objects: CONTENT_OBJECTS_SECRET_ACCESS_KEY_FILE names {tmp_path / 'secret'}, which cannot be read."
    ]


@pytest.mark.parametrize("url", ["file:///not/there/at/all", "ftp://example.org/uploads", "uploads"])
def test_an_address_that_leads_nowhere_is_told(tmp_path: Path, url: str) -> None:
    findings = looked(Settings(tmp_path, {"CONTENT_OBJECTS_URL": url}), Needles(uuid4(), ()))

    assert findings.exit_code == UNSEEN


def test_contents_own_folder_is_among_the_platforms_files(tmp_path: Path) -> None:
    findings = looked(Settings(tmp_path, {}), Needles(uuid4(), ()))

    assert (findings.looked_at, findings.left_out) == ([], [])
