"""What every embedded server has in common."""

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from stoa_devkit import running
from stoa_devkit.running import Running
from stoa_devkit.trouble import Trouble


def silent(_: str) -> None:
    """Report to nobody."""


@dataclass
class Server(ABC):
    """A server from a wheel: a data folder, a port, a log. Prepare it once, then start and stop it at will."""

    data: Path
    log: Path
    port: int
    durable: bool = True
    """Whether data must survive a power cut; tests say no, which is faster."""
    running: Running | None = field(default=None, init=False)

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stop_seconds: ClassVar[float] = 20.0

    @abstractmethod
    def prepare(self, report: Callable[[str], None] = silent) -> None:
        """Make what a first start needs; a second call changes nothing. Blocks, and may download."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command that runs the server in the foreground."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers requests now."""

    @property
    @abstractmethod
    def address(self) -> str:
        """The URL, or host and port, that clients connect to."""

    def is_same_command(self, recorded: list[str]) -> bool:
        """Whether a server that was started by the recorded command is the one that we would start."""
        return recorded == self.command()

    def environment(self) -> Mapping[str, str] | None:
        """Variables of the server's process; None inherits ours."""
        return None

    def user(self) -> int | None:
        """The user that the server runs as; None is ours."""
        return None

    def start(self) -> Running:
        """Start it, without waiting."""
        self.running = running.start(self.command(), log=self.log, env=self.environment(), user=self.user())
        return self.running

    def stop(self) -> None:
        """Stop it in order, and wait for that."""
        if self.running is not None:
            self.running.stop(by=self.stop_signal, seconds=self.stop_seconds)
            self.running = None

    def wait(self, *, seconds: float = 60.0) -> None:
        """Wait until it answers. Raises Trouble with the log's last lines if it ends or takes longer."""
        deadline = time.monotonic() + seconds
        while not self.ready():
            if self.running is not None and not self.running.alive():
                raise Trouble(f"{self.name} ended while it started. Its log says: {self.last_words()}")
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name} did not answer within {seconds:.0f} s; see {self.log}.")
            time.sleep(0.05)

    def last_words(self) -> str:
        """The end of the log, on one line."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return " / ".join(line.strip() for line in lines[-3:]) or "nothing"
