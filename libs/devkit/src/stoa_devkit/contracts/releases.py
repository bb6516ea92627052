"""docs/events/released: what was promised to others. Files are added to it, and never changed.

A release of `stoa.content.course.published.v1` is `stoa.content.course.published.v1/1.0.json`; the next one within the
major version is 1.1. `SHA256SUMS` (the format of sha256sum(1)) holds every file's digest.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stoa_devkit.contracts.contract import Contract
from stoa_devkit.contracts.problems import Problem, Way

DIGESTS = "SHA256SUMS"
RESTORE = "Restore it from the history: others build on it as it is."


@dataclass(frozen=True)
class Release:
    """One frozen version of a contract."""

    version: str
    contract: Contract


def load(folder: Path) -> dict[str, list[Release]]:
    """Type -> its releases, the oldest first."""
    found: dict[str, list[Release]] = {}
    for path in sorted(folder.glob("*/*.json"), key=_order):
        contract = Contract(**json.loads(path.read_text()))
        found.setdefault(contract.type, []).append(Release(path.stem, contract))
    return found


def _order(path: Path) -> tuple[str, list[int]]:
    return path.parent.name, [int(number) for number in path.stem.split(".")]


def unreleased(contracts: Iterable[Contract], released: dict[str, list[Release]]) -> list[Contract]:
    """Contracts that differ from their latest release in more than words."""
    return [
        contract
        for contract in contracts
        if not (before := released.get(contract.type)) or before[-1].contract.essence != contract.essence
    ]


def write(folder: Path, contract: Contract, *, number: int) -> Path:
    """Freeze a contract as its `number`th release, from 0. Raises FileExistsError rather than change a file."""
    major = contract.type.rpartition(".v")[2]
    path = folder / contract.type / f"{major}.{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x") as file:
        file.write(json.dumps(contract.as_json(), indent=2, ensure_ascii=False) + "\n")
    with (folder / DIGESTS).open("a") as sums:
        sums.write(f"{_digest(path)}  {path.relative_to(folder).as_posix()}\n")
    return path


def changed_files(folder: Path) -> Iterator[Problem]:
    """Released files that are gone, were edited, or were put there by hand."""
    expected = _digests(folder)
    for name, digest in expected.items():
        path = folder / name
        if not path.is_file():
            yield Problem(f"released/{name}", Way.FILES, "is gone.", RESTORE)
        elif _digest(path) != digest:
            yield Problem(f"released/{name}", Way.FILES, "was edited.", RESTORE)
    for path in sorted(folder.glob("**/*.json")):
        if (name := path.relative_to(folder).as_posix()) not in expected:
            yield Problem(
                f"released/{name}", Way.FILES, "was not released.", "Take it out: `stoa contracts release` adds."
            )


def _digests(folder: Path) -> dict[str, str]:
    sums = folder / DIGESTS
    lines = sums.read_text().splitlines() if sums.exists() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
