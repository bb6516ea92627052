"""The first way: today's contract beside a released one.

Readers of the released version must read what is published today, and today's readers must read what lies in the
event log for ever. So within a major version this is all that may change:

- words for people: title, description, examples;
- an optional field is added, to the event or to a model inside it;
- models inside are renamed, and the order of fields and of an enum's values changes, which no program notices.

No loosening is among it: a reader that holds the released model refuses what the released model refuses.
"""

from collections.abc import Iterator
from typing import Any

from stoa_devkit.contracts.contract import Contract
from stoa_devkit.contracts.problems import Problem, Way, next_major
from stoa_devkit.contracts.releases import Release
from stoa_devkit.contracts.schemas import ALONE, BY_NAME, IN_LIST, Schema, meaning

Change = tuple[str, str]
"""What changed, and what to do instead."""


def problems(now: Contract, release: Release) -> Iterator[Problem]:
    """Every change since a release that is not among the allowed ones."""
    instead = f"Put it back, or publish {next_major(now.type)} beside this one."
    since = f"(since {release.version})"
    for name, before in release.contract.facts.items():
        if now.facts[name] != before:
            what = f"its {name} was {before!r} and is {now.facts[name]!r} {since}."
            yield Problem(now.type, Way.DIFF, what, instead)
    for what, other in _changes(meaning(release.contract.schema), meaning(now.schema), "data"):
        yield Problem(now.type, Way.DIFF, f"{what} {since}.", other or instead)


def _changes(old: Schema, new: Schema, place: str) -> Iterator[Change]:
    for keyword in sorted(old.keys() | new.keys()):
        before, now = old.get(keyword), new.get(keyword)
        if before != now:
            yield from _change(keyword, before, now, place, old, new)


def _change(keyword: str, before: Any, now: Any, place: str, old: Schema, new: Schema) -> Iterator[Change]:
    if keyword == "properties":
        yield from _fields(before or {}, now or {}, place)
    elif keyword == "required":
        yield from _required(set(before or []), set(now or []), place, old, new)
    elif keyword in BY_NAME and before and now and before.keys() == now.keys():
        for name in before:
            yield from _changes(before[name], now[name], f"{place}.{name}")
    elif keyword in IN_LIST and before and now and len(before) == len(now):
        for number, (option, today) in enumerate(zip(before, now, strict=True), 1):
            yield from _changes(option, today, f"{place} (option {number})")
    elif keyword in ALONE and isinstance(before, dict) and isinstance(now, dict):
        yield from _changes(before, now, f"{place}[]")
    else:
        yield f"{place}: {keyword} was {_told(before)} and is {_told(now)}", ""


def _fields(before: Schema, now: Schema, place: str) -> Iterator[Change]:
    """Fields that are gone or changed; what is new is allowed here, and looked at among the required ones."""
    for name in before:
        if name not in now:
            yield f"{place}.{name} is gone", ""
        else:
            yield from _changes(before[name], now[name], f"{place}.{name}")


def _required(before: set[str], now: set[str], place: str, old: Schema, new: Schema) -> Iterator[Change]:
    for name in sorted(now - before):
        new_one = name not in old.get("properties", {})
        what = "is new and required" if new_one else "was optional and is required"
        yield f"{place}.{name} {what}, and old events don't have it", "Make it optional, with a default."
    for name in sorted(before - now):
        if name in new.get("properties", {}):
            yield f"{place}.{name} was required and is optional, and old readers can't do without it", ""


def _told(value: Any) -> str:
    return "not there" if value is None else repr(value)
