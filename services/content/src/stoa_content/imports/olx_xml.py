"""XML of strangers, and the ways that OLX points from one file to another."""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DTDForbidden, EntitiesForbidden, ExternalReferenceForbidden
from defusedxml.ElementTree import fromstring

from stoa_content.imports.domain import Findings

MAX_DEPTH = 60
_POINTER_ATTRIBUTES = {"url_name", "org", "course", "slug"}


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a course, wherever it was written; `file` is where its content stands."""

    tag: str
    id: str
    title: str
    file: str
    element: Element


def parse_xml(file: str, content: bytes, findings: Findings) -> Element | None:
    """The root element; None where the file was found wrong."""
    try:
        root: Element = fromstring(content, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except (DTDForbidden, EntitiesForbidden, ExternalReferenceForbidden):
        findings.add(file, None, "XML with a document type or entities is not read; write the characters themselves.")
        return None
    except ParseError as error:
        findings.add(file, error.position[0], f"The XML is broken: {error.msg}.")
        return None
    except (ValueError, LookupError):
        findings.add(file, 1, "The XML's encoding is not known; save it as UTF-8.")
        return None
    if _is_too_deep(root):
        findings.add(file, None, f"Elements are nested over {MAX_DEPTH} deep; write them flatter.")
        return None
    return root


def _is_too_deep(root: Element) -> bool:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return False
    return True


class Blocks:
    """The blocks of an export, found by following pointers; each file is placed once."""

    def __init__(self, files: dict[str, bytes], findings: Findings) -> None:
        self._files = files
        self._findings = findings
        self.placed: set[str] = set()

    def count_tags(self) -> int:
        return sum(content.count(b"<") for content in self._files.values())

    def root(self, file: str) -> Element | None:
        self.placed.add(file)
        return parse_xml(file, self._files[file], self._findings)

    def children(self, parent: Block) -> Iterator[Block]:
        for child in parent.element:
            if isinstance(child.tag, str) and (block := self.resolve(child, parent.file)):
                yield block

    def resolve(self, element: Element, file: str) -> Block | None:
        """The block that an element is or points to; None where it was found wrong."""
        name = element.get("url_name", "")
        target = f"{element.tag}/{name.replace(':', '/')}.xml"
        if not _may_point(element):
            return _block(element, name, file)
        if target in self.placed:
            self._findings.add(file, None, f"{target} is placed twice; give each block a file of its own.")
            return None
        if target in self._files:
            found = self.root(target)
            return None if found is None else _block(found, name, target)
        return self._without_file(element, name, target, file)

    def _without_file(self, element: Element, name: str, target: str, file: str) -> Block | None:
        page = target.removesuffix(".xml") + ".html"
        is_page = element.tag == "html" and page in self._files
        if is_page or set(element.attrib) - _POINTER_ATTRIBUTES:
            return _block(element, name, file)
        self._findings.add(file, None, f"{target} is missing, to which this file points; export the course again.")
        return None

    def detached(self, tags: tuple[str, ...]) -> Iterator[Block]:
        """Blocks whose files nothing points to."""
        for file in sorted(self._files.keys() - self.placed):
            tag, _, name = file.partition("/")
            if tag in tags and file.endswith(".xml") and (root := self.root(file)) is not None:
                yield _block(root, name.removesuffix(".xml"), file)

    def has(self, file: str) -> bool:
        return file in self._files

    def text(self, file: str) -> str:
        """A file's text; empty where it was found wrong."""
        self.placed.add(file)
        content = self._files[file]
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self._findings.add(file, line, "The file is not UTF-8; save it in that encoding.")
            return ""
        if "\0" in text:
            self._findings.add(file, None, "The file holds a NUL character; remove it.")
            return ""
        return text


def _may_point(element: Element) -> bool:
    return bool(element.get("url_name")) and len(element) == 0 and not (element.text or "").strip()


def _block(element: Element, name: str, file: str) -> Block:
    title = " ".join((element.get("display_name") or "").split())
    return Block(tag=str(element.tag), id=name or element.get("url_name", ""), title=title, file=file, element=element)
