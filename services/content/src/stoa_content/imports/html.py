"""HTML to Markdown, for lessons that were written in HTML."""

import re

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

MAX_DEPTH = 100
_UNSEEN = ("script", "style", "noscript", "template", "iframe", "object", "form", "head")
_BLANK_LINES = re.compile(r"\n{3,}")
# Underscores stay bare: within words they mean nothing in CommonMark, and citations quote the text as it stands.
_CONVERTER = MarkdownConverter(heading_style=ATX, bullets="-", escape_underscores=False)


class HtmlIsTooDeep(ValueError):
    """Elements are nested deeper than any page of a course is."""


def to_markdown(html: str) -> str:
    """Markdown of what a reader sees of the HTML; raises HtmlIsTooDeep."""
    soup = BeautifulSoup(html, "html.parser")
    _check_depth(soup)
    for unseen in soup(_UNSEEN):
        unseen.decompose()
    for image in soup("img", src=re.compile(r"^\s*data:", re.IGNORECASE)):
        image.decompose()
    # Lines of source end where their author's editor broke them, trailing blanks would be line breaks in Markdown.
    lines = (line.rstrip() for line in str(_CONVERTER.convert_soup(soup)).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _check_depth(soup: Tag) -> None:
    # The converter recurses; a page that is deeper than the interpreter's stack must not reach it.
    level: list[Tag] = [soup]
    for _ in range(MAX_DEPTH):
        level = [child for tag in level for child in tag.children if isinstance(child, Tag)]
        if not level:
            return
    raise HtmlIsTooDeep(f"Elements are nested over {MAX_DEPTH} deep; write them flatter.")
