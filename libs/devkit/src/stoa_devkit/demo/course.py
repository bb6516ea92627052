"""The course that comes with Stoa, and what is asked about it or about any other."""

from dataclasses import dataclass
from pathlib import Path

from stoa_devkit.demo.answer_sheet import AnswerSheet, read_answer_sheet
from stoa_devkit.demo.archive import Archive, read_course
from stoa_devkit.demo.questions import ABOUT_STOA, questions_about
from stoa_devkit.demo.records import Course

SHIPPED = Path(__file__).parent.parent / "courses" / "stoa"


@dataclass(frozen=True)
class Material:
    """A course on this disk, ready to be sent and answered."""

    archive: Archive
    sheet: AnswerSheet
    is_shipped: bool

    def questions(self, course: Course) -> list[str]:
        return list(ABOUT_STOA) if self.is_shipped else questions_about(course)


def load(path: Path | None) -> Material:
    """The course at the path, or the one that comes with Stoa; raises Trouble where it can't be read."""
    place = path or SHIPPED
    return Material(read_course(place), read_answer_sheet(place), is_shipped=path is None)
