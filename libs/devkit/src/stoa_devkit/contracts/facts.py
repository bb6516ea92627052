"""What pages and documents say of an event, beside its schema."""

import re
from inspect import cleandoc
from typing import Final

from stoa_events.contract import Event

#: How long the publisher's own log keeps each event.
EVENT_LOG_RETENTION: Final = "for ever, unless the platform sets `STOA_EVENT_LOG_RETENTION_DAYS`"


def publisher(event: type[Event]) -> str:
    """The service that records it, and whose team owns the contract."""
    return event.source().removeprefix("/")


def kind(event: type[Event]) -> str:
    """The type without its service: contracts that every service has share it."""
    return event.type.split(".", 2)[2]


def plain(event: type[Event]) -> str:
    """What became true: the first paragraph of the class's docstring, in one line."""
    return " ".join(_paragraphs(event)[0].split())


def more(event: type[Event]) -> str:
    """What the docstring says beyond that."""
    return "\n\n".join(_paragraphs(event)[1:])


def _paragraphs(event: type[Event]) -> list[str]:
    return cleandoc(event.__doc__ or "").split("\n\n")


def title(event: type[Event]) -> str:
    """`CoursePublished` -> `Course published`; a service's own class of a common contract names the service last."""
    service = publisher(event)
    name = event.__name__.removeprefix(service.title())
    first, *others = re.findall(r"[A-Z][a-z0-9]*", name)
    words = " ".join([first, *(word.lower() for word in others)])
    return words if name == event.__name__ else f"{words} ({service})"


def parameters(topic: str) -> list[str]:
    """The names in braces of a family of topics."""
    return re.findall(r"{(\w+)}", topic)
