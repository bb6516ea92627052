"""Opening archives of strangers: zip, tar and tar.gz, told apart by their content, never by their name."""

from stoa_content.imports import tars, zips
from stoa_content.imports.folder import MAX_PACKED_BYTES, MIB, ArchiveIsTooLarge, ArchiveKindIsUnknown, Folder


def open_archive(packed: bytes) -> Folder:
    """Unpack an archive into memory.

    Raises ArchiveIsTooLarge (413), ArchiveKindIsUnknown (415), ArchiveIsCorrupt, ArchiveIsLocked, EntryIsUnsafe (422).
    """
    if len(packed) > MAX_PACKED_BYTES:
        raise ArchiveIsTooLarge(f"The archive is over {MAX_PACKED_BYTES // MIB} MB; leave out media and pack it again.")
    folder = Folder(packed_bytes=len(packed))
    if zips.is_zip(packed):
        zips.unpack(packed, into=folder)
    elif tars.is_gzip(packed) or tars.is_tar(packed):
        tars.unpack(packed, into=folder)
    else:
        raise ArchiveKindIsUnknown("Send the course's folder as a zip or a tar.gz archive.")
    return folder
