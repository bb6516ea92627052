"""Rules of accounts."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from stoa_auth.people.service import Person
from stoa_common.errors import Conflict, Invalid, Unauthenticated

_WORD = re.compile(r"\w{3,}")
_DEFAULT_ADVICE = "Add another word or two, none of them your name or address. Uncommon words are better."


class CredentialsAreWrong(Unauthenticated):
    """The e-mail or the password is wrong; which of them stays unsaid."""

    def __init__(self) -> None:
        super().__init__("The e-mail or the password is wrong.")


@dataclass(frozen=True, slots=True)
class Proved:
    """Whose password was right, and the hash that it was held against.

    Argon2 takes its time while nothing is locked. Whoever acts on this locks the person, and asks whether it still
    holds: else somebody with an old password would get in past the change that was to shut them out.
    """

    person_id: UUID
    password_hash: str = field(repr=False)

    def holds_for(self, person: Person) -> bool:
        """Whether the password is the person's still."""
        return person.password_hash == self.password_hash


class PasswordIsGuessable(Invalid):
    """A password was chosen that a program would guess."""

    def __init__(self, advice: str) -> None:
        message = f"This password can be guessed. {advice or _DEFAULT_ADVICE}"
        super().__init__(message, errors=[{"field": "password", "message": message}])


class LastOperatorMustStay(Conflict):
    """The platform would be left without an operator."""


def own_words(texts: Iterable[str | None]) -> list[str]:
    """What a stranger would try first: the person's own texts, and each word in them."""
    given = [text.lower() for text in texts if text]
    return list(dict.fromkeys([*given, *(word for text in given for word in _WORD.findall(text))]))


def refuse_guessable(score: int, advice: str, *, least: int) -> None:
    """Raises PasswordIsGuessable, which says what to mend and never quotes the password."""
    if score < least:
        raise PasswordIsGuessable(advice)


def erase_operator(*, operators: int) -> None:
    """Refuse to erase the platform's only operator. Raises LastOperatorMustStay."""
    if operators == 1:
        raise LastOperatorMustStay("You are the only operator. Appoint another one before you erase this account.")
