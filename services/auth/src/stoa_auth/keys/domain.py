"""Rules of signing keys: which one signs, which ones count, and when to look again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from stoa_auth.keys.models import SigningKey

#: A ring of keys is read again this often. A new key is published for longer than this before it signs, and an old one
#: counts until its last token has expired: so keys change without an outage.
RING_TTL = timedelta(seconds=60)


def signing(keys: Sequence[SigningKey], *, at: datetime) -> SigningKey:
    """The newest key that may sign already; `keys` has the newest first.

    Where none may, the oldest does: another replica made the first key a moment ago, by a clock that is ahead.
    """
    return next((key for key in keys if key.signs_from <= at), keys[-1])
