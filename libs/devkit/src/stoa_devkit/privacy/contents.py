"""What stands in a file or an object, read a piece at a time; and in what is packed in it."""

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Final

from stoa_devkit.privacy.needles import Needles

_PIECE: Final = 1 << 20
#: More than this of one archive is not unpacked: a small one may hold a petabyte.
_MOST_UNPACKED: Final = 4 << 30
_GZIP: Final = b"\x1f\x8b\x08"
_SHUT: Final = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, gzip.BadGzipFile)


class CannotBeOpened(Exception):
    """An archive is damaged, locked, or too large, so nobody knows what is in it."""


def found_in(file: IO[bytes], needles: Needles) -> set[str]:
    """Names of the needles in the file, or in a zip or gzip archive that it is. Raises CannotBeOpened."""
    found = _found(file.read, needles)
    try:
        return found | _found_in_archive(file, needles)
    except _SHUT as error:
        raise CannotBeOpened(type(error).__name__) from None


def _found_in_archive(file: IO[bytes], needles: Needles) -> set[str]:
    file.seek(0)
    if file.read(len(_GZIP)) == _GZIP:
        file.seek(0)
        with gzip.open(file) as unpacked:
            return _found(unpacked.read, needles)
    return _found_in_zip(file, needles) if zipfile.is_zipfile(file) else set()


def _found_in_zip(file: IO[bytes], needles: Needles) -> set[str]:
    with zipfile.ZipFile(file) as bundle:
        members = bundle.infolist()
        found = needles.found_in([member.filename.encode() for member in members])
        for member in members:
            with bundle.open(member) as unpacked:
                found |= _found(unpacked.read, needles)
    return found


def _found(read: Callable[[int], bytes], needles: Needles) -> set[str]:
    found: set[str] = set()
    for piece in _pieces(read, overlap=needles.longest):
        found |= needles.found_in([piece])
    return found


def _pieces(read: Callable[[int], bytes], *, overlap: int) -> Iterator[bytes]:
    """What stands on the border of two pieces is in both."""
    before, size = b"", 0
    while piece := read(_PIECE):
        yield before + piece
        before, size = piece[-overlap:], size + len(piece)
        if size > _MOST_UNPACKED:
            raise CannotBeOpened("too large")
