"""What an archive of a stranger unpacks to, and how much of it we take.

Everything is counted as it is unpacked, since what an archive declares about itself may be a lie; only what the course
formats read is kept, in memory. Each refusal says what to mend.
"""

import posixpath
import re
from dataclasses import dataclass, field

from stoa_common.errors import Invalid, TooLarge, UnsupportedMediaType

MIB = 1024 * 1024
MAX_PACKED_BYTES = 20 * MIB
MAX_UNPACKED_BYTES = 200 * MIB
MAX_ENTRIES = 5_000
#: Text packs about 1 to 10; a bomb packs 1 to 1,000. Small archives are let be: their sizes alone make them harmless.
MAX_RATIO = 100
RATIO_FREE_BYTES = 10 * MIB
MAX_TEXT_BYTES = 32 * MIB
MAX_FILE_BYTES = 2 * MIB
MAX_NAME_LENGTH = 400
CHUNK = 64 * 1024

_KEPT = (".md", ".xml", ".html")
_DRIVE = re.compile(r"[A-Za-z]:")


class ArchiveIsTooLarge(TooLarge):
    """The archive is larger, packed or unpacked, than an import takes."""


class ArchiveKindIsUnknown(UnsupportedMediaType):
    """The upload is neither zip nor tar nor tar.gz."""


class ArchiveIsCorrupt(Invalid):
    """The archive is damaged or cut short."""


class ArchiveIsLocked(Invalid):
    """The archive wants a password."""


class EntryIsUnsafe(Invalid):
    """An entry would land outside its folder, or is no plain file or folder."""


@dataclass(slots=True)
class Folder:
    """The files of a course by their path: the readable ones with their bytes, the others by name alone."""

    packed_bytes: int
    files: dict[str, bytes] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    _unpacked_bytes: int = 0
    _text_bytes: int = 0
    _entries: int = 0

    def expect(self, raw_name: str) -> str:
        """The path of an entry about to be read; raises for one entry too many and for an unsafe name."""
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise ArchiveIsTooLarge(f"The archive has over {MAX_ENTRIES} entries; leave out what is not the course.")
        return safe_path(raw_name)

    def count(self, size: int) -> None:
        """Count bytes that were unpacked; raises as soon as they are too many."""
        self._unpacked_bytes += size
        if self._unpacked_bytes > MAX_UNPACKED_BYTES:
            raise ArchiveIsTooLarge(f"Unpacked, the archive is over {MAX_UNPACKED_BYTES // MIB} MB; leave out media.")
        ratio = self._unpacked_bytes / max(self.packed_bytes, 1)
        if self._unpacked_bytes > RATIO_FREE_BYTES and ratio > MAX_RATIO:
            raise ArchiveIsTooLarge(f"The archive unpacks to over {MAX_RATIO} times its size, as no course does.")

    def keeps(self, path: str) -> bool:
        """Whether a file's content is worth keeping: the rest is counted and checked alone."""
        return path.endswith(_KEPT) and "static" not in path.split("/")[:-1]

    def check_file_size(self, path: str, size: int) -> None:
        if size > MAX_FILE_BYTES:
            raise ArchiveIsTooLarge(f"{path} is over {MAX_FILE_BYTES // MIB} MB; split it.")

    def add(self, path: str, content: bytes | None) -> None:
        """Take in a file; without content it is listed only."""
        if path in self.files or path in self.others:
            raise ArchiveIsCorrupt(f"The archive has {path} twice; pack it again.")
        if content is None:
            self.others.add(path)
            return
        self._text_bytes += len(content)
        if self._text_bytes > MAX_TEXT_BYTES:
            raise ArchiveIsTooLarge(f"The course's texts are over {MAX_TEXT_BYTES // MIB} MB; split the course.")
        self.files[path] = content


def safe_path(raw_name: str) -> str:
    """A relative path with `/` between its parts; raises EntryIsUnsafe for one that leaves the folder."""
    # Zips of some Windows programs part folders by backslashes.
    name = raw_name.replace("\\", "/")
    shown = ascii(raw_name[:100])
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise EntryIsUnsafe(f"An entry's name is empty, too long or not printable: {shown}. Rename it and pack again.")
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
        raise EntryIsUnsafe(f"The entry {shown} would land outside the course's folder; pack from within it.")
    return posixpath.normpath(name)


def unsafe_kind(raw_name: str) -> EntryIsUnsafe:
    """The refusal of a link, a device or another special file."""
    return EntryIsUnsafe(f"The entry {raw_name[:100]!a} is no plain file; pack the files that links point to.")
