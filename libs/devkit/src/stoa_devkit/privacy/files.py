"""Every file that the platform keeps in its folder: logs, objects, settings; but the servers' own, which were asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from stoa_devkit.privacy.findings import Findings
from stoa_devkit.privacy.needles import ID, Needles

#: Asked over their protocols: on their disks lie blocks that nobody reads any more, until they are used again.
_SERVERS: Final = frozenset({"postgres", "valkey", "kafka", "warehouse"})
_REASON: Final = "a log names people by their ids alone"
_PIECE: Final = 1 << 20


def look(folder: Path, needles: Needles, findings: Findings) -> None:
    findings.looked_at.append(f"files: {folder}")
    longest = max(len(form) for needle in needles.all for form in needle.forms)
    for path in _files(folder):
        place = f"file {path.relative_to(folder)}"
        found = needles.found_in([str(path.relative_to(folder)).encode()])
        for piece in _pieces(path, overlap=longest):
            found |= needles.found_in([piece])
        for name in found:
            if name == ID and path.parent.name == "logs":
                findings.keep(place, _REASON)
            else:
                findings.add(place, name)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        is_servers = inside[0] == "data" and len(inside) > 1 and inside[1] in _SERVERS
        if path.is_file() and not path.is_symlink() and not is_servers:
            yield path


def _pieces(path: Path, *, overlap: int) -> Iterator[bytes]:
    """The file, a piece at a time; what stands on the border of two is in both."""
    before = b""
    with path.open("rb") as file:
        while read := file.read(_PIECE):
            yield before + read
            before = read[-overlap:]
