"""Rules of accounts."""

from stoa_common.errors import Conflict, Unauthenticated


class CredentialsAreWrong(Unauthenticated):
    """The e-mail or the password is wrong; which of them stays unsaid."""

    def __init__(self) -> None:
        super().__init__("The e-mail or the password is wrong.")


class LastOperatorMustStay(Conflict):
    """The platform would be left without an operator."""


def erase_operator(*, operators: int) -> None:
    """Refuse to erase the platform's only operator. Raises LastOperatorMustStay."""
    if operators == 1:
        raise LastOperatorMustStay("You are the only operator. Appoint another one before you erase this account.")
