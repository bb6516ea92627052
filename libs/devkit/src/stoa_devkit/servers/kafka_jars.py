"""The jars of Apache Kafka, each pinned by its sha256."""

import hashlib
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from stoa_devkit.servers.server import silent
from stoa_devkit.trouble import Trouble

if TYPE_CHECKING:
    from jgo.maven import MavenContext

VERSION = "4.3.1"


@dataclass(frozen=True)
class Jar:
    """One jar, as Maven names it."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """The name of its file."""
        return f"{self.artifact}-{self.version}.jar"


def pinned() -> list[Jar]:
    """The jars that make a broker, in the order of the class path."""
    listed = files("stoa_devkit.servers").joinpath(f"kafka-{VERSION}-jars.json").read_text()
    return [Jar(*row) for row in json.loads(listed)]


def fetch(folder: Path, report: Callable[[str], None] = silent) -> list[Path]:
    """The jars' paths in the folder, after fetching those that are missing or not what was pinned.

    Raises Trouble when they can't be fetched, or are not the pinned ones.
    """
    jars = pinned()
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(8) as pool:
        fine = list(pool.map(lambda jar: is_pinned(folder / jar.filename, jar), jars))
    missing = [jar for jar, found in zip(jars, fine, strict=True) if not found]
    if missing:
        _download_all(missing, folder, report)
    return [folder / jar.filename for jar in jars]


def _download_all(missing: list[Jar], folder: Path, report: Callable[[str], None]) -> None:
    # Seconds to import, and needed once in the life of a machine.
    from jgo.maven import MavenContext, PythonResolver

    downloads = folder / "downloads"
    context = MavenContext(resolver=PythonResolver(), repo_cache=downloads)
    report(f"downloading Apache Kafka {VERSION}: 0 of {len(missing)} jars")
    try:
        with ThreadPoolExecutor(6) as pool:
            for done, _ in enumerate(pool.map(lambda jar: _download(context, jar, folder), missing), 1):
                report(f"downloading Apache Kafka {VERSION}: {done} of {len(missing)} jars")
    finally:
        shutil.rmtree(downloads, ignore_errors=True)


def _download(context: "MavenContext", jar: Jar, folder: Path) -> None:
    import requests

    try:
        component = context.project(jar.group, jar.artifact).at_version(jar.version)
        found = Path(component.artifact().resolve())
    except (requests.RequestException, RuntimeError) as failure:
        raise Trouble(
            f"Apache Kafka's {jar.filename} can't be fetched, the Maven registry does not answer: check the network or "
            "the proxy and start again, or set KAFKA_BOOTSTRAP_SERVERS to a broker that is already there."
        ) from failure
    # jgo only warns about a wrong checksum, so the pin is checked here, before the jar is ever used.
    if not is_pinned(found, jar):
        raise Trouble(f"{jar.filename} is not the file whose sha256 Stoa has pinned: it was not used.")
    found.replace(folder / jar.filename)


def is_pinned(path: Path, jar: Jar) -> bool:
    """Whether the file is there and is the pinned one."""
    if not path.exists():
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == jar.sha256
