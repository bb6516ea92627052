"""OLX, the export format of Open edX: course > chapter > sequential > vertical > html, problem, video.

A block stands where it is used, or in a file of its own to which its `url_name` points. Chapters become chapters,
sequentials sections, verticals lessons; the problems of a vertical become its quiz. Counts are of all blocks that the
export holds, also of those that no unit shows: the report names each of these.
Format: https://docs.openedx.org/en/latest/educators/references/course_development/olx_directory_structure.html
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from stoa_content.imports.domain import Findings, ParsedChapter, ParsedCourse, ParsedSection, Report, check_course
from stoa_content.imports.olx_unit import read_unit
from stoa_content.imports.olx_xml import Block, Blocks

FORMAT = "olx"
COURSE_FILE = "course.xml"
_STRUCTURE = ("chapter", "sequential", "vertical")
_LEAVES = ("html", "problem", "video")
#: What Studio calls a unit that nobody named.
_DEFAULT_UNIT_TITLE = "Unit"
_MAX_TAGS = 300_000


def parse(files: dict[str, bytes], others: Iterable[str]) -> ParsedCourse:
    """Read a course from its files, paths relative to its folder; raises CourseIsMalformed with all that is wrong."""
    return _Reader(files).course(others)


class _Reader:
    """One reading of one export, with what was found on the way."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._findings = Findings()
        self._report = Report(FORMAT)
        self._blocks = Blocks(files, self._findings)

    def course(self, others: Iterable[str]) -> ParsedCourse:
        self._check_size()
        root = self._blocks.root(COURSE_FILE)
        course = self._course_block(root) if root is not None else None
        if root is None or course is None:
            self._findings.refuse()
        parsed = ParsedCourse(
            title=course.title or " ".join(filter(None, (root.get("org"), root.get("course")))) or "Untitled course",
            language=course.element.get("language", "en"),
            description="",
            chapters=list(self._chapters(course)),
            report=self._report,
        )
        self._note_detached()
        self._note_files(others)
        check_course(parsed, COURSE_FILE, self._findings)
        self._findings.raise_if_any()
        return parsed

    def _check_size(self) -> None:
        """Pages are converted element by element: their number is what an import costs."""
        if (tags := self._blocks.count_tags()) > _MAX_TAGS:
            self._findings.add(COURSE_FILE, None, f"The course has {tags} tags; split it: {_MAX_TAGS} is the most.")
            self._findings.refuse()

    def _course_block(self, root: Element) -> Block | None:
        if root.tag != "course":
            self._findings.add(COURSE_FILE, 1, f"Its first element is {root.tag!s:.30}, not course; export it again.")
            return None
        return self._blocks.resolve(root, COURSE_FILE)

    def _chapters(self, course: Block) -> Iterator[ParsedChapter]:
        for block in self._children(course, "chapter"):
            title = block.title or "Chapter"
            sections = [self._section(each) for each in self._children(block, "sequential")]
            if self._is_shown(block):
                yield ParsedChapter(title, [section for section in sections if section])

    def _section(self, block: Block) -> ParsedSection | None:
        title = block.title or "Section"
        repeats: Counter[str] = Counter()
        lessons = []
        for unit in self._children(block, "vertical", *_LEAVES):
            lesson_title = self._unit_title(unit, title, repeats)
            # Blocks may stand in a sequential without a unit around them.
            parts = [unit] if unit.tag in _LEAVES else self._children(unit, *_LEAVES)
            shown = [part for part in parts if self._is_shown(part)]
            lesson = read_unit(lesson_title, unit.file, shown, self._blocks, self._report, self._findings)
            if unit.tag in _LEAVES or self._is_shown(unit):
                lessons.append(lesson)
        return ParsedSection(title, lessons) if self._is_shown(block) else None

    def _unit_title(self, unit: Block, section_title: str, repeats: Counter[str]) -> str:
        named = unit.title and unit.title != _DEFAULT_UNIT_TITLE
        title = unit.title if named else section_title
        repeats[title] += 1
        return title if repeats[title] == 1 else f"{title} ({repeats[title]})"

    def _children(self, parent: Block, *tags: str) -> list[Block]:
        """The children of these tags, counted; any other goes to the report."""
        known = []
        for block in self._blocks.children(parent):
            self._report.counts[block.tag] += 1
            if block.tag in tags:
                known.append(block)
            else:
                self._note(block, "This type of block is not supported yet.", within=parent.title)
        return known

    def _is_shown(self, block: Block) -> bool:
        hidden = block.element.get("visible_to_staff_only", "").lower() == "true"
        if hidden:
            self._note(block, "Only staff may see it, so it is left out.")
        return not hidden

    def _note_detached(self) -> None:
        for block in self._blocks.detached((*_STRUCTURE, *_LEAVES)):
            self._report.counts[block.tag] += 1
            self._note(block, "No unit of the course points to it, so nobody is shown it.")

    def _note_files(self, others: Iterable[str]) -> None:
        for path in sorted(others):
            if path.startswith("static/"):
                reason = "Files are not imported yet."
                self._report.note("file", path.rpartition(".")[2], id=path, title=path, reason=reason)

    def _note(self, block: Block, reason: str, *, within: str = "") -> None:
        title = block.title or within or block.id or block.tag
        self._report.note("block", block.tag, id=block.id, title=title, reason=reason)
