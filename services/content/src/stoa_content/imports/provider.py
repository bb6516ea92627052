"""Object storage behind our words: where archives wait for their import. A folder, or S3."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from stoa_common.errors import Conflict, Unavailable

_ROOT: Final = "imports"


class ObjectStorageIsAway(Unavailable):
    """Object storage could not be reached."""


class ArchiveIsGone(Conflict):
    """An archive that waited for its import was removed from the object storage."""


@dataclass(frozen=True, slots=True)
class ArchiveStore:
    """Archives by who sent them, for which organization, and SHA-256: kept once, however often they are sent."""

    store: ObjectStore

    @classmethod
    def open(cls, url: str, options: Mapping[str, str]) -> "ArchiveStore":
        """A store at `file:///folder`, made if it is missing, or at `s3://bucket`."""
        if url.startswith("file:"):
            # A folder is named after a person: it goes with what was last in it.
            return cls(from_url(url, mkdir=True, automatic_cleanup=True))
        # A server in one's own network may speak plain HTTP: its endpoint's address says whether it does.
        client = {"allow_http": True}
        return cls(from_url(url, client_options=client, **options))  # type: ignore[call-overload]  # each store has its own

    # The store's own coroutines wake the loop from threads that outlive the interpreter, and may abort its exit; plain
    # calls in threads of ours don't.

    async def put(self, content: bytes, *, organization_id: UUID, person_id: UUID) -> str:
        """Keep an archive; the name under which it is read again. Raises ObjectStorageIsAway."""
        digest = sha256(content).hexdigest()
        try:
            await asyncio.to_thread(self.store.put, _path(person_id, organization_id, digest), content)
        except (BaseError, OSError) as error:
            raise ObjectStorageIsAway(f"The archive could not be stored ({type(error).__name__}); try again.") from None
        return digest

    async def get(self, digest: str, *, organization_id: UUID, person_id: UUID) -> bytes:
        """Read an archive; raises ArchiveIsGone, or the storage's own error, for which a job is tried again."""
        try:
            result = await asyncio.to_thread(self.store.get, _path(person_id, organization_id, digest))
        except FileNotFoundError:
            raise ArchiveIsGone("The uploaded archive is not in the object storage any more; send it again.") from None
        return bytes(await asyncio.to_thread(result.bytes))

    async def list_of(self, person_id: UUID) -> list[dict[str, Any]]:
        """What the person sent, as it is told to them."""
        return await asyncio.to_thread(lambda: [_told(each) for each in self._objects(f"{_ROOT}/{person_id}")])

    async def forget(self, person_id: UUID) -> None:
        """Delete all that the person sent."""
        await asyncio.to_thread(self._forget, f"{_ROOT}/{person_id}")

    def _forget(self, prefix: str) -> None:
        for each in list(self._objects(prefix)):
            # Another sweeper may have been faster.
            with contextlib.suppress(FileNotFoundError):
                self.store.delete(each["path"])

    async def ping(self) -> None:
        """Raises where the storage cannot be reached; that an object is missing is an answer."""
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(self.store.head, "ready")

    def _objects(self, prefix: str) -> Iterator[Any]:
        for page in self.store.list(prefix):
            yield from page


def _told(found: Any) -> dict[str, Any]:
    _, _, organization_id, digest = found["path"].split("/")
    sent = {"organization_id": organization_id, "sha256": digest}
    return {**sent, "bytes": found["size"], "sent_at": found["last_modified"]}


def _path(person_id: UUID, organization_id: UUID, digest: str) -> str:
    return f"{_ROOT}/{person_id}/{organization_id}/{digest}"
