"""How guessable a password is, by zxcvbn (Wheeler, USENIX Security 2016): the only importer of it."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from zxcvbn import zxcvbn

#: The estimate takes more than linear time, and what is safe by its first 72 characters is safe.
_LOOKS_AT: Final = 72
# zxcvbn puts a person's words into a dictionary of its module.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Judgment:
    """0 is guessed at once, 3 withstands an attack on this machine's stolen hashes for long, 4 for longer."""

    score: int
    advice: str


def judge(password: str, own_words: Iterable[str]) -> Judgment:
    """Takes some milliseconds, at most about a tenth of a second: call it off the event loop."""
    with _one_at_a_time:
        found = zxcvbn(password[:_LOOKS_AT], user_inputs=list(own_words))
    feedback = found["feedback"]
    advice = " ".join([feedback["warning"], *feedback["suggestions"]]).strip()
    return Judgment(score=found["score"], advice=advice)
