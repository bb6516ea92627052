"""HTML to Markdown, for lessons that were written in HTML."""

import re

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

MAX_DEPTH = 100
MAX_TAGS = 20_000
_UNSEEN = ("script", "style", "noscript", "template", "iframe", "object", "form", "head")
_BLANK_LINES = re.compile(r"\n{3,}")
#: A whole tag, a declaration, or a bracket that begins neither. What a tag may hold ends at the next bracket.
_MARKUP = re.compile(r"(?P<tag></?[a-zA-Z](?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>)|(?P<declaration><[!?][^<>]*>)|<")
# Underscores stay bare: within words they mean nothing in CommonMark, and citations quote the text as it stands.
_CONVERTER = MarkdownConverter(heading_style=ATX, bullets="-", escape_underscores=False)


class HtmlIsTooBig(ValueError):
    """A page has more elements, or deeper ones, than a page of a course has."""


def to_markdown(html: str) -> str:
    """Markdown of what a reader sees of the HTML; raises HtmlIsTooBig."""
    soup = BeautifulSoup(_sound(html), "html.parser")
    _check_depth(soup)
    for unseen in soup(_UNSEEN):
        unseen.decompose()
    for image in soup("img", src=re.compile(r"^\s*data:", re.IGNORECASE)):
        image.decompose()
    # Lines of source end where their author's editor broke them; trailing blanks would be line breaks in Markdown.
    lines = (line.rstrip() for line in str(_CONVERTER.convert_soup(soup)).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _sound(html: str) -> str:
    """The same page without comments, and with each bracket that begins no tag escaped.

    Python's parser looks for the end of each broken tag or comment through the rest of the page, in quadratic time.
    """
    first, *others = html.split("<!--")
    text = first + "".join(other.partition("-->")[2] for other in others)
    if text.count("<") > MAX_TAGS:
        raise HtmlIsTooBig(f"The page has over {MAX_TAGS} tags; split it.")
    return _MARKUP.sub(lambda found: found["tag"] or ("" if found["declaration"] else "&lt;"), text)


def _check_depth(soup: Tag) -> None:
    # The converter recurses; a page that is deeper than the interpreter's stack must not reach it.
    level: list[Tag] = [soup]
    for _ in range(MAX_DEPTH):
        level = [child for tag in level for child in tag.children if isinstance(child, Tag)]
        if not level:
            return
    raise HtmlIsTooBig(f"Elements are nested over {MAX_DEPTH} deep; write them flatter.")
