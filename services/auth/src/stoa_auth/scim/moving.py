"""Who is put into a group and taken out of it by a PATCH that names them by their ids, done with sets.

The library does every operation, but copies and compares all members for each: half a minute where a directory takes a
hundred out of five thousand, in which nobody else is answered. What selects members otherwise remains the library's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim2_models import PatchOp

from stoa_auth.scim import reading
from stoa_auth.scim.domain import ScimRequestIsWrong
from stoa_auth.scim.kinds import Operations
from stoa_auth.scim.schemas import DirectoryGroup, GroupMember

#: Of operations that select members otherwise than by their ids.
MOST_SELECTIONS: Final = 20
_MEMBERS: Final = "members"
_URN: Final = f"{DirectoryGroup.__schema__}:".lower()
_BY_ID: Final = re.compile(r'members\[\s*value\s+eq\s+"([^"\\]*)"\s*\]', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Move:
    """One operation: these are added, removed, or all that there are."""

    verb: str
    ids: frozenset[str]

    def change(self, members: set[str]) -> None:
        """In place: a request may have thousands of moves, and the group as many members."""
        if self.verb == "remove":
            members -= self.ids
            return
        if self.verb == "replace":
            members.clear()
        members |= self.ids


@dataclass(frozen=True, slots=True)
class GroupPatch:
    """Moves of members, in their order, and what is said of the group otherwise, which is independent of them."""

    moves: Sequence[Move]
    others: PatchOp[DirectoryGroup] | None

    def patch(self, resource: DirectoryGroup) -> bool:
        known = {str(member.value): member for member in resource.members or ()}
        # The library copies what it is given.
        resource.members = None
        changed = self.others.patch(resource) if self.others is not None else False
        ids = set(known)
        for move in self.moves:
            move.change(ids)
        resource.members = [known.get(each) or GroupMember(value=each) for each in sorted(ids)] or None
        return changed or ids != known.keys()


def patch(body: bytes) -> Operations[DirectoryGroup]:
    """The operations on a group. Raises ScimRequestIsWrong."""
    sent = reading.operations(body)
    listed = sent["Operations"] if isinstance(sent.get("Operations"), list) else []
    about = [operation for operation in listed if _is_about_members(operation)]
    moves = [move for operation in about if (move := _move(operation)) is not None]
    if len(moves) < len(about):
        _check_number(len(about))
        return reading.patch_of(DirectoryGroup, sent)
    others = [operation for operation in listed if not _is_about_members(operation)]
    # The message is read by the library in any case: with one of the moves, where there is nothing else.
    read = reading.patch_of(DirectoryGroup, {**sent, "Operations": others or about[:1]} if about else sent)
    return GroupPatch(moves, read if others else None)


def _check_number(selections: int) -> None:
    if selections > MOST_SELECTIONS:
        message = f"Name members by their ids, or send at most {MOST_SELECTIONS} operations on them."
        raise ScimRequestIsWrong(message, scim_type="tooMany")


def _is_about_members(operation: Any) -> bool:
    path = _path(operation)
    return path == _MEMBERS or path.startswith((f"{_MEMBERS}[", f"{_MEMBERS}.", f"{_MEMBERS} "))


def _path(operation: Any) -> str:
    path = operation.get("path") if isinstance(operation, dict) else None
    return path.strip().lower().removeprefix(_URN) if isinstance(path, str) else ""


def _move(operation: dict[str, Any]) -> Move | None:
    """None for what does not simply name ids."""
    verb, value = str(operation.get("op")).lower(), operation.get("value")
    if verb not in {"add", "remove", "replace"}:
        return None
    if _path(operation) != _MEMBERS:
        return _removal_by_path(operation["path"]) if verb == "remove" and value is None else None
    if value is None:
        return Move("replace", frozenset()) if verb != "add" and (verb == "remove" or "value" in operation) else None
    entries = value if isinstance(value, list) else [value]
    ids = frozenset(id_ for entry in entries if (id_ := _id(entry)) is not None)
    return Move(verb, ids) if all(_id(entry) is not None for entry in entries) else None


def _removal_by_path(path: str) -> Move | None:
    found = _BY_ID.fullmatch(path.strip())
    return Move("remove", frozenset({found[1]})) if found else None


def _id(entry: Any) -> str | None:
    value = entry.get("value") if isinstance(entry, dict) else None
    return value if isinstance(value, str) and value else None
