"""`Content-Digest` (RFC 9530): what the sender says about the bytes that were sent."""

import base64
import binascii
import hashlib
import re

from stoa_common.errors import BadRequest, FieldError

_ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_MEMBER = re.compile(r"\s*(?P<name>[a-z0-9*_.-]+)\s*=\s*:(?P<value>[A-Za-z0-9+/=]*):\s*")


class ContentDigestIsWrong(BadRequest):
    """The upload's digest cannot be read, or is not that of the bytes that arrived."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, errors=[FieldError(field="Content-Digest", message=detail)])


def check(header: str | None, content: bytes) -> None:
    """Raise ContentDigestIsWrong unless each digest that we know is right; without a header, say nothing."""
    if header is None:
        return
    digests = _read(header)
    known = digests.keys() & _ALGORITHMS
    if not known:
        raise ContentDigestIsWrong("Send the digest as `sha-256=:...:`, in base64.")
    for name in known:
        if _ALGORITHMS[name](content).digest() != digests[name]:
            raise ContentDigestIsWrong(f"The {name} digest is not that of the bytes that arrived; send them again.")


def _read(header: str) -> dict[str, bytes]:
    digests = {}
    for member in header.split(","):
        found = _MEMBER.fullmatch(member)
        if found is None:
            raise ContentDigestIsWrong("Send the digest as `sha-256=:...:`, in base64.")
        try:
            digests[found["name"]] = base64.b64decode(found["value"], validate=True)
        except binascii.Error:
            raise ContentDigestIsWrong(f"The {found['name']} digest is not base64.") from None
    return digests
