"""ClickHouse behind our words: the only importer of `clickhouse_connect`.

Both engines are reached by one client. The embedded one belongs to a single process: its folder is locked, since the
engine's own refusal says nothing, and nothing may fork after it was opened (a child with half of its threads hangs;
starting another program is fine).
"""

import fcntl
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlparse

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error, OperationalError
from pydantic import SecretStr

from stoa_analytics.warehouse.domain import FolderIsUnusable, WarehouseIsTaken

Handle = Client
EngineError = Error

_PASSING_CODES: Final = frozenset({159, 202, 209, 210, 241, 242, 243, 252, 279, 425, 999})
"""Too many queries, network, memory, a full disk, too many parts, Keeper: it is not the statement's fault."""


class Engine(Protocol):
    """Where handles come from: `acquire` first, `release` last. Each handle serves one thread at a time."""

    embedded: bool

    def acquire(self) -> None: ...
    def connect(self) -> Handle: ...
    def release(self) -> None: ...


class EmbeddedEngine:
    """chdb, inside this process, on a folder that nobody else has open."""

    embedded = True

    def __init__(self, path: Path, *, memory_mb: int) -> None:
        self._path = path.absolute()
        self._memory_mb = memory_mb
        self._unlock: Callable[[], None] | None = None

    def acquire(self) -> None:
        """Take the folder; raises WarehouseIsTaken where another process has it, and FolderIsUnusable."""
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            self._unlock = _lock(self._beside(".lock"), owner_of=self._path)
            self._make_spool()
        except OSError as error:
            raise FolderIsUnusable(
                f"The warehouse cannot use {self._path}: {error.strerror}. Set ANALYTICS_CHDB_PATH to one that it can."
            ) from error

    def _make_spool(self) -> None:
        # Inserts travel through a file. Killed half-way it would stay in /tmp for ever, with events in it.
        spool = self._beside(".spool")
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir(mode=0o700)
        tempfile.tempdir = str(spool)

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def connect(self) -> Handle:
        limits = {"max_server_memory_usage": str(self._memory_mb * 2**20), "mark_cache_size": str(64 * 2**20)}
        return clickhouse_connect.get_client(
            interface="chdb", path=str(self._path), chdb_options=limits, tz_mode="aware"
        )

    def release(self) -> None:
        """Give the folder back, if it was taken."""
        if self._unlock:
            tempfile.tempdir = None
            self._unlock()
        self._unlock = None


class ServerEngine:
    """A ClickHouse server, by its URL: `http[s]://user:password@host:port/database`."""

    embedded = False

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    def acquire(self) -> None:
        """Nothing to take: the server knows many clients."""

    def connect(self) -> Handle:
        url = self._url.get_secret_value()
        # Without a session, a statement whose connection broke can be repeated at once.
        return clickhouse_connect.get_client(
            dsn=url, interface=urlparse(url).scheme, tz_mode="aware", autogenerate_session_id=False, connect_timeout=5
        )

    def release(self) -> None:
        """Nothing was taken."""


def is_passing(error: BaseException) -> bool:
    """Whether the engine, and not the statement, is at fault: try again later."""
    return isinstance(error, OperationalError) or (isinstance(error, Error) and error.code in _PASSING_CODES)


def _lock(path: Path, *, owner_of: Path) -> Callable[[], None]:
    file = path.open("w")
    try:
        # The kernel lets go of it with the process, however that ends.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise WarehouseIsTaken(
            f"Another process has the warehouse at {owner_of} open: stop it, or set CLICKHOUSE_URL to run analytics "
            "as several processes."
        ) from None
    return file.close
