"""Errors below `/v1`: beside the problem's own members one that clients of the OpenAI API read (RFC 9457, section 3.2).

They show `error.message` and nothing else, so without it a person would read "Error code: 429" and no more.
"""

from typing import Any, Final

from stoa_common.errors import Refusal

_ROOT: Final = "/v1"


def are_spoken_at(path: str) -> bool:
    """Whether whoever asks at this path reads them."""
    return path == _ROOT or path.startswith(f"{_ROOT}/")


def member(refusal: Refusal) -> dict[str, Any]:
    """OpenAI's error object, with the sentence that says what to do."""
    slug = refusal.slug()
    return {"error": {"message": refusal.detail, "type": slug, "code": slug, "param": None}}
