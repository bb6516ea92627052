import io
import os
import tarfile
from pathlib import Path

import pytest

from stoa_devkit.demo.archive import pack, read_course
from stoa_devkit.trouble import Trouble


def a_course(folder: Path, *, order: list[str]) -> Path:
    for name in order:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}")
    return folder


def names_in(packed: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return archive.getnames()


def test_the_same_files_pack_to_the_same_bytes_whenever_they_were_written(tmp_path: Path) -> None:
    files = ["course.md", "01-first/index.md", "01-first/01-lesson.md"]
    one = a_course(tmp_path / "a" / "course", order=files)
    other = a_course(tmp_path / "b" / "course", order=files[::-1])

    os.utime(other / "course.md", (1, 1))

    assert pack(one) == pack(other)


def test_hidden_files_and_links_stay_at_home(tmp_path: Path) -> None:
    folder = a_course(tmp_path / "course", order=["course.md", ".git/config"])
    (folder / "passwords.md").symlink_to("/etc/passwd")

    packed = pack(folder)

    assert names_in(packed) == ["course/course.md"]


def test_an_archive_is_sent_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "course.zip"
    file.write_bytes(b"PK\x03\x04 and so on")

    archive = read_course(file)

    assert (archive.content, archive.content_type) == (file.read_bytes(), "application/zip")


def test_a_course_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"nowhere can't be read: No such file"):
        read_course(tmp_path / "nowhere")
