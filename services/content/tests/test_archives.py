"""Archives of strangers: what is taken, what is refused, and that nothing else happens."""

import contextlib
import gzip
import io
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable

import pytest
from content_samples import MARKDOWN, Files, gzipped, tarred, zipped

from stoa_common.errors import Refusal
from stoa_content.imports import folder
from stoa_content.imports.archive import open_archive
from stoa_content.imports.folder import (
    ArchiveIsCorrupt,
    ArchiveIsLocked,
    ArchiveIsTooLarge,
    ArchiveKindIsUnknown,
    EntryIsUnsafe,
)

Pack = Callable[[Files], bytes]
every_kind = pytest.mark.parametrize("pack", [zipped, tarred, gzipped])


@every_kind
def test_files_come_out_as_they_went_in(pack: Pack) -> None:
    opened = open_archive(pack({**MARKDOWN, "./images/leaf.png": b"\x89PNG"}))

    assert {name: content.decode() for name, content in opened.files.items()} == MARKDOWN
    assert opened.others == {"images/leaf.png"}


@every_kind
@pytest.mark.parametrize(
    "name", ["../out.md", "a/../../out.md", "/etc/passwd.md", "C:\\out.md", "..\\out.md", "a\nb.md", "x" * 500 + ".md"]
)
def test_an_entry_that_leaves_the_folder_is_refused(pack: Pack, name: str) -> None:
    with pytest.raises(EntryIsUnsafe) as refused:
        open_archive(pack({name: "text"}))

    assert refused.value.detail.isprintable()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind: bytes) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("course.md")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)

    with pytest.raises(EntryIsUnsafe):
        open_archive(packed.getvalue())


def test_a_link_in_a_zip_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        entry = zipfile.ZipInfo("course.md")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")

    with pytest.raises(EntryIsUnsafe):
        open_archive(packed.getvalue())


@pytest.mark.parametrize("pack", [zipped, gzipped])
def test_a_bomb_is_refused_while_it_unpacks(pack: Pack) -> None:
    bomb = pack({"static/zeros.bin": bytes(64 * 1024 * 1024)})

    with pytest.raises(ArchiveIsTooLarge):
        open_archive(bomb)


def test_what_unpacks_to_gigabytes_slowly_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_UNPACKED_BYTES", 1024 * 1024)

    with pytest.raises(ArchiveIsTooLarge, match="Unpacked"):
        open_archive(zipped({"noise.bin": random.Random(1).randbytes(1024 * 1024 + 1)}))


def test_a_zip_that_lies_about_its_size_is_found_out() -> None:
    honest = zipped({"static/zeros.bin": bytes(30 * 1024 * 1024)})
    size = struct.pack("<I", 30 * 1024 * 1024)

    with pytest.raises((ArchiveIsCorrupt, ArchiveIsTooLarge)):
        open_archive(honest.replace(size, struct.pack("<I", 10)))


@every_kind
def test_too_many_entries_are_refused(pack: Pack) -> None:
    with pytest.raises(ArchiveIsTooLarge):
        open_archive(pack({f"{n}.txt": "" for n in range(folder.MAX_ENTRIES + 1)}))


@every_kind
def test_a_text_file_that_is_too_large_is_refused_by_name(pack: Pack) -> None:
    noise = random.Random(1).randbytes(folder.MAX_FILE_BYTES + 1)

    with pytest.raises(ArchiveIsTooLarge, match=r"lesson\.md"):
        open_archive(pack({"lesson.md": noise}))


def test_an_archive_over_the_limit_is_not_opened() -> None:
    with pytest.raises(ArchiveIsTooLarge):
        open_archive(b"PK\x03\x04" + bytes(folder.MAX_PACKED_BYTES))


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7", b"7z\xbc\xaf\x27\x1c", bytes(1000)])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(ArchiveKindIsUnknown):
        open_archive(content)


def test_an_archive_with_a_password_is_refused() -> None:
    packed = bytearray(zipped({"course.md": "text"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + offset] |= 1

    with pytest.raises(ArchiveIsLocked):
        open_archive(bytes(packed))


def test_lzma_in_a_zip_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("course.md", "text")

    with pytest.raises(ArchiveIsCorrupt, match="unusual"):
        open_archive(packed.getvalue())


@pytest.mark.parametrize("pack", [zipped, gzipped, tarred])
def test_an_archive_that_was_cut_short_is_refused_wherever_the_cut_is(pack: Pack) -> None:
    # A tar's padding after its end may go missing: only what holds the course counts.
    whole = pack(MARKDOWN) if pack is not tarred else pack(MARKDOWN).rstrip(b"\0")

    for end in range(300, len(whole), 97):
        with pytest.raises(Refusal):
            open_archive(whole[:end])


@pytest.mark.parametrize("pack", [zipped, gzipped, tarred])
def test_damage_is_refused_or_harmless_and_never_a_crash(pack: Pack) -> None:
    chance = random.Random(7)
    whole = pack(MARKDOWN)
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with contextlib.suppress(Refusal):
            open_archive(bytes(damaged))


def test_damage_in_a_gzip_is_found_by_its_checksum() -> None:
    packed = bytearray(gzip.compress(tarred(MARKDOWN), compresslevel=0))
    packed[packed.index(b"Leaves hold")] ^= 1

    with pytest.raises(ArchiveIsCorrupt):
        open_archive(bytes(packed))


def test_a_damaged_header_within_a_tar_is_not_taken_for_its_end() -> None:
    packed = bytearray(tarred(MARKDOWN))
    packed[packed.index(b"02-roots/01-tubers.md") + 150] ^= 1

    with pytest.raises(ArchiveIsCorrupt):
        open_archive(bytes(packed))


def test_a_long_chain_of_extension_headers_is_refused() -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 12
    block = header.tobuf(tarfile.USTAR_FORMAT) + b"12 a=bcdefg\n".ljust(512, b"\0")

    with pytest.raises(ArchiveIsCorrupt):
        open_archive(block * 3_000 + tarred(MARKDOWN))


@every_kind
def test_a_file_that_is_there_twice_is_refused(pack: Pack) -> None:
    with pytest.raises(ArchiveIsCorrupt, match="twice"):
        open_archive(pack({"course.md": "one", "./course.md": "two"}))
