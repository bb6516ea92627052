"""What the environment and `.env` tell `stoa`; nothing else reads them."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stoa_devkit.trouble import Trouble

MARK = "libs/devkit/pyproject.toml"
"""The file by which a checkout is known."""


@dataclass(frozen=True)
class Settings:
    """One reading of the environment, in one checkout."""

    root: Path
    variables: Mapping[str, str]

    def get(self, name: str) -> str | None:
        """A variable's value; an empty one counts as unset."""
        return self.variables.get(name) or None

    @property
    def state(self) -> Path:
        """The folder of everything that the platform keeps here."""
        return Path(self.get("STOA_STATE_DIR") or self.root / ".stoa").absolute()

    @property
    def cache(self) -> Path:
        """Downloads; beside the installed packages, so that `stoa reset` keeps them."""
        return Path(self.get("STOA_CACHE_DIR") or Path(sys.prefix) / "share" / "stoa")

    @property
    def gateway_port(self) -> int:
        """The port of the one address that people type."""
        return self._port("STOA_GATEWAY_PORT", default=8000)

    @property
    def topic_prefix(self) -> str:
        """What the names of the topics begin with, where several platforms share a cluster."""
        return self.get("KAFKA_TOPIC_PREFIX") or ""

    @property
    def test_engine(self) -> str:
        """Where the tests' servers come from: `embedded` or `docker`."""
        return self.get("STOA_TEST_ENGINE") or "embedded"

    def _port(self, name: str, *, default: int) -> int:
        given = self.get(name) or str(default)
        if not given.isdecimal() or not 0 < int(given) < 65536:
            raise Trouble(f"{name} is {given!r}, and must be a port: a number from 1 to 65535.")
        return int(given)


def read() -> Settings:
    """The settings of the checkout around the current folder; the environment wins over its `.env`."""
    root = _checkout()
    return Settings(root, {**_dotenv(root / ".env"), **os.environ})


def _checkout() -> Path:
    here = Path.cwd()
    installed = Path(__file__).resolve()
    for folder in (here, *here.parents, *installed.parents):
        if (folder / MARK).exists():
            return folder
    raise Trouble("This is no checkout of Stoa: run stoa in the folder that holds its Makefile.")


def _dotenv(path: Path) -> dict[str, str]:
    """`NAME=value` lines; quotes around a value are dropped, comments and the rest are left out."""
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.split("=", 1) for line in map(str.strip, lines) if "=" in line and not line.startswith("#"))
    return {name.removeprefix("export ").strip(): value.strip().strip("\"'") for name, value in pairs}
