"""Rules of signing keys: which one signs, which ones count, and how one takes over from another."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from stoa_auth.keys.models import SigningKey
from stoa_common.errors import Conflict
from stoa_common.revocations import KEPT_SECONDS

State = Literal["waiting", "signing", "counting"]
Algorithm = Literal["EdDSA", "RS256"]
#: Of access tokens, and of ID tokens by default (OpenID Connect Core, section 15.1, asks every provider for RS256).
ACCESS_TOKENS: Algorithm = "EdDSA"
ID_TOKENS: Algorithm = "RS256"
ALGORITHMS: tuple[Algorithm, ...] = (ACCESS_TOKENS, ID_TOKENS)
#: A ring of keys is read again this often. A new key is published for longer than this before it signs, and an old one
#: counts until its last token has expired: so keys change without an outage.
RING_TTL = timedelta(seconds=60)
PUBLISHED_AHEAD = 2 * RING_TTL
#: A replica may sign with the old key until it reads its ring again, and such a token lives for its whole time.
COUNTS_ON = RING_TTL + timedelta(seconds=KEPT_SECONDS)


class RotationIsUnderWay(Conflict):
    """A new key is published already and waits for its time."""


def signing(keys: Sequence[SigningKey], *, at: datetime) -> SigningKey:
    """The newest key that may sign already; `keys` has the newest first.

    Where none may, the oldest does: another replica made the first key a moment ago, by a clock that is ahead.
    """
    return next((key for key in keys if key.signs_from <= at), keys[-1])


def of_algorithm(keys: Sequence[SigningKey], algorithm: str) -> list[SigningKey]:
    """The keys of one algorithm, in their order: each algorithm has a key that signs, and is rotated by itself."""
    return [key for key in keys if key.algorithm == algorithm]


def missing(keys: Sequence[SigningKey]) -> list[Algorithm]:
    """The algorithms that have no key."""
    return [algorithm for algorithm in ALGORITHMS if not of_algorithm(keys, algorithm)]


def rotate(keys: Sequence[SigningKey], new: SigningKey, *, at: datetime) -> None:
    """Let the new key sign once everybody knows it, and the others count as long as their last tokens.

    Raises RotationIsUnderWay.
    """
    waiting = next((key for key in keys if key.signs_from > at), None)
    if waiting is not None:
        raise RotationIsUnderWay(f"Key {waiting.kid} takes over at {waiting.signs_from.isoformat()}; wait until then.")

    new.signs_from = at + PUBLISHED_AHEAD
    for key in keys:
        key.retired_at = min(key.retired_at or new.signs_from + COUNTS_ON, new.signs_from + COUNTS_ON)


def state(key: SigningKey, keys: Sequence[SigningKey], *, at: datetime) -> State:
    """What the key is there for: it waits for its time, it signs, or its tokens still count."""
    if key is signing(of_algorithm(keys, key.algorithm), at=at):
        return "signing"
    return "waiting" if key.signs_from > at else "counting"
