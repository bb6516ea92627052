"""Rules of pages: which language they speak, and what a browser may do with them."""

import re
from collections.abc import Collection, Iterable
from typing import Final

from stoa_common.errors import NotFound

DEFAULT_LANGUAGE: Final = "en"
#: Each in its own words, as somebody looks for it who reads no other.
LANGUAGES: Final = {"en": "English", "ru": "Русский"}
_WEIGHTED: Final = re.compile(r"^([a-zA-Z]{2,3})(?:-[\w-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?$")


class FileIsUnknown(NotFound):
    """No page asks for this file."""

    def __init__(self) -> None:
        super().__init__("There is no such file; pages name those that exist.")


def liked_language(accepted: str | None) -> str:
    """The language of ours that an Accept-Language header likes best (RFC 9110, section 12.5.4); English for none."""
    wanted = [_WEIGHTED.match(part.strip()) for part in (accepted or "")[:500].split(",")]
    ranked = sorted((match for match in wanted if match), key=lambda match: -float(match[2] or 1))
    liked = (match[1].lower() for match in ranked if float(match[2] or 1) > 0)
    return next((name for name in liked if name in LANGUAGES), DEFAULT_LANGUAGE)


def language(chosen: Iterable[str | None], accepted: str | None) -> str:
    """The first choice that is a language of ours, else what the browser likes."""
    return next((name for name in chosen if name in LANGUAGES), None) or liked_language(accepted)


def policy(*, has_script: bool, leads_to: Collection[str] = ()) -> str:
    """The Content-Security-Policy (level 3) of a page: files of ours, nothing inline, in nobody's frame.

    `leads_to` are other origins that the page's form ends at: browsers follow a form's redirects by `form-action`, too.
    """
    script = "'self'" if has_script else "'none'"
    return "; ".join(
        [
            "default-src 'none'",
            "style-src 'self'",
            "img-src 'self'",
            f"script-src {script}",
            f"connect-src {script}",
            " ".join(["form-action 'self'", *leads_to]),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


def headers(*, language: str, has_script: bool, leads_to: Collection[str] = ()) -> dict[str, str]:
    """What every page says beside its words.

    The referrer stays within our origin and is not `no-referrer`: forms would say `Origin: null` then.
    """
    return {
        "Content-Security-Policy": policy(has_script=has_script, leads_to=leads_to),
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
