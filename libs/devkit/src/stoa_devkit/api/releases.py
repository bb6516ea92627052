"""docs/api/released: the API as it was promised to clients. Files are added to it, and never changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stoa_devkit.api.comparing import Break, Document, breaks


def load(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Version and document of each release, the oldest first."""
    paths = sorted(folder.glob("*.json"), key=lambda path: [int(number) for number in path.stem.split(".")])
    return [(path.stem, json.loads(path.read_text())) for path in paths]


def check(now: Document, folder: Path) -> Iterator[tuple[str, Break]]:
    """What breaks clients of any release, with the release's version."""
    for version, released in load(folder):
        yield from ((version, found) for found in breaks(released, now))


def write(now: Document, folder: Path) -> Path | None:
    """Freeze the document as the next release; None where it is the last one already."""
    known = load(folder)
    if known and known[-1][1] == now:
        return None
    path = folder / f"1.{len(known)}.json"
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("x") as file:
        file.write(json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return path
