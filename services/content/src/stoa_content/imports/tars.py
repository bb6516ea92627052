"""Tar archives, plain or gzipped: POSIX ustar and pax, GNU's long names; read by the standard library."""

import gzip
import io
import tarfile
import tempfile
import zlib
from typing import IO

from stoa_content.imports.folder import (
    CHUNK,
    ArchiveIsCorrupt,
    Folder,
    unsafe_kind,
)

BLOCK = 512
_SPOOLED_BYTES = 8 * 1024 * 1024
# A chain of extension headers recurses inside tarfile, hence RecursionError.
_CORRUPT = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError)


def is_gzip(packed: bytes) -> bool:
    return packed.startswith(b"\x1f\x8b")


def is_tar(packed: bytes) -> bool:
    return packed[257:262] == b"ustar"


def unpack(packed: bytes, *, into: Folder) -> None:
    """Unpack to a temporary file first, which checks gzip's checksum to the end, then read the members."""
    try:
        with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as plain:
            _inflate(packed, plain, into=into)
            plain.seek(0)
            with tarfile.open(fileobj=plain, mode="r:") as tar:
                for member in tar:
                    _unpack_member(tar, member, into=into)
                _check_end(plain, tar.offset)
    except _CORRUPT:
        raise ArchiveIsCorrupt("The tar archive is damaged or cut short; pack it again.") from None


def _inflate(packed: bytes, plain: IO[bytes], *, into: Folder) -> None:
    source = io.BytesIO(packed)
    stream: gzip.GzipFile | io.BytesIO = gzip.GzipFile(fileobj=source) if is_gzip(packed) else source
    while chunk := stream.read(CHUNK):
        into.count(len(chunk))
        plain.write(chunk)


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, *, into: Folder) -> None:
    path = into.expect(member.name)
    if member.isdir():
        return
    # A sparse file's few bytes may stand for gigabytes of zeros.
    if not member.isreg() or member.issparse():
        raise unsafe_kind(member.name)
    into.add(path, _content(tar, member, path, into=into) if into.keeps(path) else None)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, *, into: Folder) -> bytes:
    into.check_file_size(path, member.size)
    file = tar.extractfile(member)
    content = file.read() if file else b""
    if len(content) < member.size:
        raise ArchiveIsCorrupt(f"The tar archive ends within {path}; pack it again.")
    return content


def _check_end(plain: IO[bytes], end: int) -> None:
    # tarfile takes a damaged header for the end of the archive; the true end is a block of zeros.
    plain.seek(end)
    if len(mark := plain.read(BLOCK)) < BLOCK or any(mark):
        raise ArchiveIsCorrupt("The tar archive is damaged or cut short; pack it again.")
