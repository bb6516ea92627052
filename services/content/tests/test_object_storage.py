"""Where archives wait for their import: in a folder, or in S3."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from content_people import RunJob, Someone
from content_samples import MARKDOWN, zipped

from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_common.testing.object_storage import ObjectStorage, object_storage
from stoa_common.testing.ports import free_port
from stoa_content.imports.provider import ArchiveIsGone, ArchiveStore, ObjectStorageIsAway
from stoa_content.settings import Settings


def an_s3_store(storage: ObjectStorage) -> ArchiveStore:
    settings = Settings(
        objects_url="s3://content",
        objects_endpoint=storage.endpoint,
        objects_access_key_id=storage.access_key_id,
        objects_secret_access_key=storage.secret_access_key,
    )
    return ArchiveStore.open(settings.objects_url, settings.objects_options)


@pytest.fixture
async def s3(tmp_path: Path) -> AsyncIterator[ArchiveStore]:
    async with object_storage(tmp_path, _put, away=(ObjectStorageIsAway,)) as storage:
        yield an_s3_store(storage)


async def _put(storage: ObjectStorage) -> None:
    await an_s3_store(storage).put(b"ready", organization_id=new_id(), person_id=new_id())


def named_after(person_id: UUID, folder: Path) -> list[Path]:
    return list(folder.rglob(str(person_id)))


async def _check_contract(store: ArchiveStore) -> None:
    sent = {"organization_id": new_id(), "person_id": new_id()}

    name = await store.put(b"an archive", **sent)

    assert await store.put(b"an archive", **sent) == name
    assert await store.get(name, **sent) == b"an archive"
    for elsewhere in ({**sent, "organization_id": new_id()}, {**sent, "person_id": new_id()}):
        with pytest.raises(ArchiveIsGone):
            await store.get(name, **elsewhere)
    await store.ping()


async def _check_that_people_are_forgotten(store: ArchiveStore) -> None:
    ada, bob = ({"organization_id": new_id(), "person_id": new_id()} for _ in range(2))
    names = [await store.put(content, **ada) for content in (b"ada's course", b"ada's other course")]
    of_bob = await store.put(b"ada's course", **bob)
    told = await store.list_of(ada["person_id"])

    await store.forget(ada["person_id"])
    await store.forget(ada["person_id"])

    assert sorted(each["sha256"] for each in told) == sorted(names)
    assert await store.list_of(ada["person_id"]) == []
    assert await store.get(of_bob, **bob) == b"ada's course", "another person sent the same"


async def test_a_folder_keeps_archives_for_each_organization(tmp_path: Path) -> None:
    await _check_contract(ArchiveStore.open((tmp_path / "not" / "there").as_uri(), {}))


async def test_a_folder_forgets_what_a_person_sent_and_their_name(tmp_path: Path) -> None:
    store = ArchiveStore.open(tmp_path.as_uri(), {})
    await _check_that_people_are_forgotten(store)
    ada = new_id()
    await store.put(b"an archive", organization_id=new_id(), person_id=ada)

    await store.forget(ada)

    assert named_after(ada, tmp_path) == []


@pytest.mark.slow
async def test_s3_keeps_archives_for_each_organization(s3: ArchiveStore) -> None:
    await _check_contract(s3)
    await _check_that_people_are_forgotten(s3)


@pytest.mark.slow
async def test_a_server_that_is_away_is_named_as_the_reason() -> None:
    nobody = ObjectStorage(f"http://127.0.0.1:{free_port()}")

    with pytest.raises(ObjectStorageIsAway):
        await an_s3_store(nobody).put(b"an archive", organization_id=new_id(), person_id=new_id())


async def test_an_import_whose_archive_is_gone_fails_with_a_reason(
    author: Someone, run_job: RunJob, resources: Resources
) -> None:
    job_id = (await author.upload(zipped(MARKDOWN))).json()["id"]
    folder = Path(resources.get(Settings).objects_url.removeprefix("file://"))
    shutil.rmtree(folder / "imports" / str(author.person_id))

    await run_job(job_id)

    job = (await author.get(f"/jobs/{job_id}")).json()
    assert (job["status"], job["problem"]["type"]) == ("failed", "urn:stoa:problem:archive-is-gone")
