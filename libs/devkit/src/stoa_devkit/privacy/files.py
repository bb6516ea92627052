"""Every file that the platform keeps in its folder: logs, objects, settings; but the servers' own, which were asked."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from stoa_devkit.privacy import contents
from stoa_devkit.privacy.findings import Findings
from stoa_devkit.privacy.needles import ID, Needles

#: Asked over their protocols: on their disks lie blocks that nobody reads any more, until they are used again.
_SERVERS: Final = frozenset({"postgres", "valkey", "kafka", "warehouse"})
_LOGS: Final = "logs"
_REASON: Final = "a log names people by their ids alone"


def look(folder: Path, needles: Needles, findings: Findings) -> None:
    findings.looked_at.append(f"files: {folder}")
    if not (folder / _LOGS).is_dir():
        findings.miss("logs", f"there are none in {folder}; search where your platform's logs go")
    for path in _files(folder, findings):
        inside = str(path.relative_to(folder))
        try:
            with path.open("rb") as file:
                found = contents.found_in(file, needles)
        except FileNotFoundError:
            # Gone while we looked, as a log that is rotated.
            continue
        except (OSError, contents.CannotBeOpened) as error:
            findings.miss(f"file {inside}", f"it cannot be read ({type(error).__name__})")
            continue
        _tell(path, f"file {inside}", found | needles.found_in([inside.encode()]), findings)


def _tell(path: Path, place: str, found: set[str], findings: Findings) -> None:
    for name in found:
        if name == ID and path.parent.name == _LOGS:
            findings.keep(place, _REASON)
        else:
            findings.add(place, name)


def _files(folder: Path, findings: Findings) -> Iterator[Path]:
    def tell(error: OSError) -> None:
        # What is gone is no place any more.
        if not isinstance(error, FileNotFoundError):
            findings.miss(f"folder {error.filename}", f"it cannot be read ({type(error).__name__})")

    for parent, folders, names in os.walk(folder, onerror=tell):
        # Not even entered: what is on these disks comes and goes.
        theirs = _SERVERS if Path(parent) == folder / "data" else frozenset()
        folders[:] = sorted(set(folders) - theirs)
        paths = (Path(parent) / name for name in sorted(names))
        yield from (path for path in paths if path.is_file() and not path.is_symlink())
