"""Zip archives: PKWARE APPNOTE 6.3.10, read by the standard library, entry by entry."""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator

from stoa_content.imports.folder import (
    CHUNK,
    MAX_ENTRIES,
    ArchiveIsCorrupt,
    ArchiveIsLocked,
    ArchiveIsTooLarge,
    Folder,
    unsafe_kind,
)

_ENTRY_SIGNATURE = b"PK\x01\x02"
_ENCRYPTED = 0x1
_CORRUPT = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError, NotImplementedError)


def is_zip(packed: bytes) -> bool:
    return packed.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def unpack(packed: bytes, *, into: Folder) -> None:
    """Read every entry, so that each checksum is checked, and keep the course's files."""
    # Each entry of the directory makes an object: count them before, in the bytes themselves.
    if packed.count(_ENTRY_SIGNATURE) > 2 * MAX_ENTRIES:
        raise ArchiveIsTooLarge(f"The archive has over {MAX_ENTRIES} entries; leave out what is not the course.")
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as zipped:
            for entry in zipped.infolist():
                _unpack_entry(zipped, entry, into=into)
    except _CORRUPT:
        raise ArchiveIsCorrupt("The zip archive is damaged or cut short; pack it again.") from None


def _unpack_entry(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, *, into: Folder) -> None:
    path = into.expect(entry.filename)
    _check_kind(entry)
    if entry.is_dir():
        return
    content = bytearray()
    for chunk in _chunks(zipped, entry):
        into.count(len(chunk))
        if into.keeps(path):
            content += chunk
            into.check_file_size(path, len(content))
    into.add(path, bytes(content) if into.keeps(path) else None)


def _chunks(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with zipped.open(entry) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _check_kind(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveIsLocked("The zip archive wants a password; pack it without one.")
    # LZMA may ask for gigabytes of memory by its header alone.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveIsCorrupt("The zip archive is packed in an unusual way; pack it with the usual one, Deflate.")
    mode = stat.S_IFMT(entry.external_attr >> 16)
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise unsafe_kind(entry.filename)
