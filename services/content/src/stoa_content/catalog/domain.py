"""What the public catalog refuses, and how an answer is known again (RFC 9110, section 8.8.3)."""

import hashlib
import re

from stoa_common.errors import NotFound

_TAG = re.compile(r'(?:W/)?("[^"]*")')


class CatalogNotFound(NotFound):
    """The organization shows nothing to everybody, or there is none; which of these stays unsaid."""

    def __init__(self) -> None:
        super().__init__("This organization shows no courses to everybody.")


class PublicCourseNotFound(NotFound):
    """There is no such course that everybody may see."""

    def __init__(self) -> None:
        super().__init__("This organization shows no such course to everybody.")


def entity_tag(body: bytes) -> str:
    """The same for the same bytes: what was read before and has not changed need not be sent again."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether the caller says that it has what the tag names (weak comparison: RFC 9110, section 13.1.2)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)
