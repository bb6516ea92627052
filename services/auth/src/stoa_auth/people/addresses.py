"""One spelling for addresses and names, so that a person has one account."""

import re

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

# The library's documented switch: companies do run mail under `.local`, and tests under `.test`.
SPECIAL_USE_DOMAIN_NAMES.clear()
LONGEST_NAME = 200
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f]")


def email(text: str) -> str:
    """The address in one spelling, so that a person has one account. Raises ValueError.

    Syntax alone is judged (RFC 5322 and 6531): an address inside a company's network is fine, and whether mail arrives
    only mail can show. Lower case, as no provider of today tells `Ada@` from `ada@`.
    """
    try:
        checked = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(f"This is not an e-mail address. {error}") from None
    return checked.normalized.lower()


def name(text: str) -> str:
    """A name that people or organizations go by. Raises ValueError."""
    stripped = text.strip()
    if not 1 <= len(stripped) <= LONGEST_NAME or _CONTROL_CHARACTERS.search(stripped):
        raise ValueError(f"Give a name of 1 to {LONGEST_NAME} characters, without line breaks.")
    return stripped
