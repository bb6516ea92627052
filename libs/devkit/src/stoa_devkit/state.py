"""The folder `.stoa`: ports, secrets, process ids, data and logs of one checkout's platform."""

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stoa_devkit.ports import free_port, is_free
from stoa_devkit.running import Running


@dataclass(frozen=True)
class Record:
    """A process as it was written down: enough to know it again."""

    pid: int
    started: float
    command: list[str]


@dataclass(frozen=True)
class State:
    """Reads and writes the files of `.stoa`. Only who holds its lock may write."""

    folder: Path

    @property
    def data(self) -> Path:
        """Where the servers and services keep theirs."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """One log a part."""
        return self.folder / "logs"

    @property
    def lock(self) -> Path:
        """The file that the running supervisor holds locked."""
        return self.folder / "lock"

    def log(self, part: str) -> Path:
        """The log of one part."""
        return self.logs / f"{part}.log"

    def port(self, name: str) -> int:
        """The port kept for the name, chosen on first use."""
        return self._ports().get(name) or self.new_port(name)

    def free_port(self, name: str) -> int:
        """The port kept for the name, or another where somebody took it meanwhile."""
        kept = self.port(name)
        return kept if is_free(kept) else self.new_port(name)

    def new_port(self, name: str) -> int:
        """Choose and keep a free port."""
        ports = self._ports()
        chosen = free_port(besides=ports.values())
        self.write("ports.json", {**ports, name: chosen})
        return chosen

    def secret(self, name: str) -> str:
        """The secret kept under the name, made at random on first use."""
        return self.find_secret(name) or self._new_secret(name)

    def find_secret(self, name: str) -> str | None:
        """The secret kept under the name, if there is one."""
        found = self.read("secrets.json").get(name)
        return str(found) if found else None

    def forget_secret(self, name: str) -> None:
        """Keep it no longer."""
        kept = self.read("secrets.json")
        kept.pop(name, None)
        self.write("secrets.json", kept)

    def records(self) -> dict[str, Record]:
        """What was started here and not yet stopped, so far as is known."""
        return {name: Record(**record) for name, record in self.read("pids.json").items()}

    def record(self, name: str, running: Running, command: list[str]) -> None:
        """Write down a started process."""
        entry = {"pid": running.pid, "started": running.started, "command": command}
        self.write("pids.json", {**self.read("pids.json"), name: entry})

    def strike(self, name: str) -> None:
        """Forget a stopped process."""
        records = self.read("pids.json")
        if records.pop(name, None) is not None:
            self.write("pids.json", records)

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file's object; an empty one where there is no file."""
        try:
            found: dict[str, Any] = json.loads((self.folder / name).read_text())
        except FileNotFoundError:
            return {}
        return found

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Replace a JSON file at once, readable by its owner alone."""
        self.make()
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}-", dir=self.folder)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file, indent=1)
        Path(temporary).replace(self.folder / name)

    def make(self) -> None:
        """Make the folder, which is nobody else's to read."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _ports(self) -> dict[str, int]:
        return {name: int(port) for name, port in self.read("ports.json").items()}

    def _new_secret(self, name: str) -> str:
        made = secrets.token_urlsafe(32)
        self.write("secrets.json", {**self.read("secrets.json"), name: made})
        return made
