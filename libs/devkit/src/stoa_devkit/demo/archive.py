"""A course on disk as the bytes that an import takes."""

import gzip
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

from stoa_devkit.trouble import Trouble

GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Archive:
    """What is sent, and what it is."""

    content: bytes
    content_type: str


def read_course(path: Path) -> Archive:
    """Pack a folder, or take an archive as it is; raises Trouble where there is neither."""
    if path.is_dir():
        return Archive(pack(path), "application/gzip")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Trouble(f"The course {path} can't be read: {error.strerror}.") from None
    return Archive(content, _type_of(content))


def pack(folder: Path) -> bytes:
    """A .tar.gz of the folder: the same bytes for the same files, whatever their times, owners and order on disk."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in sorted(_files(folder)):
            content = file.read_bytes()
            entry = tarfile.TarInfo(f"{folder.resolve().name}/{file.relative_to(folder).as_posix()}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)


def _files(folder: Path) -> list[Path]:
    # Links are left out: what they point at may lie outside the course.
    return [
        file for file in folder.rglob("*") if file.is_file() and not file.is_symlink() and not _is_hidden(file, folder)
    ]


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(folder).parts)


def _type_of(content: bytes) -> str:
    if content.startswith(GZIP):
        return "application/gzip"
    return "application/zip" if content.startswith(ZIP) else "application/octet-stream"
