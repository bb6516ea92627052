"""Which format a folder is written in, and where in the archive it begins."""

from stoa_content.imports import markdown, olx
from stoa_content.imports.archive import open_archive
from stoa_content.imports.domain import CourseFormatIsUnknown, ParsedCourse
from stoa_content.imports.folder import Folder

#: By precedence: an OLX export may have a README beside its course.xml.
_ENTRY_FILES = ((olx.COURSE_FILE, olx.parse), *((name, markdown.parse) for name in markdown.COURSE_FILES))


def parse_archive(packed: bytes) -> ParsedCourse:
    """The course in an archive; raises a Refusal that says what to mend."""
    return parse_folder(open_archive(packed))


def parse_folder(folder: Folder) -> ParsedCourse:
    """The course in a folder: it begins where the shallowest course.xml, course.md or README.md is."""
    paths = [path for path in folder.files if not _is_hidden(path)]
    for name, parse in _ENTRY_FILES:
        found = sorted((path.count("/"), path) for path in paths if path.rpartition("/")[2] == name)
        if not found:
            continue
        if len(found) > 1 and found[0][0] == found[1][0]:
            raise CourseFormatIsUnknown(f"The archive holds two courses, {found[0][1]} and {found[1][1]}; send one.")
        root = found[0][1].removesuffix(name)
        files = {path.removeprefix(root): folder.files[path] for path in paths if path.startswith(root)}
        others = [path.removeprefix(root) for path in folder.others if path.startswith(root) and not _is_hidden(path)]
        return parse(files, others)
    raise CourseFormatIsUnknown("Put a course.md (Markdown) or a course.xml (OLX) into the archive's top folder.")


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))
