"""What a kind of resource has to answer for, so that the use cases of users and groups are the same ones."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from scim2_models import Resource, SearchRequest

from stoa_auth.scim.filtering import Source
from stoa_auth.scim.models import ScimGroup, ScimUser
from stoa_auth.scim.repository import Listed
from stoa_auth.scim.settling import Directory

#: What a list or an answer is to show.
Parameters = SearchRequest[Any]
RecordT = TypeVar("RecordT", bound=ScimUser | ScimGroup)
SaidT = TypeVar("SaidT", bound=Resource[Any])


SaidT_contra = TypeVar("SaidT_contra", bound=Resource[Any], contravariant=True)


class Operations(Protocol[SaidT_contra]):
    """What a PATCH asks for."""

    def patch(self, resource: SaidT_contra) -> bool:
        """Do all of it to the resource, which is of no use where that fails; whether anything changed."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What the organization's log is told of a change, by names: it is no place for a second copy of people's data."""

    after: dict[str, Any] | None
    before: dict[str, Any] | None = None
    #: The person whom it is about.
    subject: UUID | None = None


class Kind(ABC, Generic[RecordT, SaidT]):
    """Users, or groups, of the directory that asks."""

    #: In sentences, and in the log's actions.
    name: ClassVar[str]
    model: type[SaidT]
    source: ClassVar[Source]

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    @abstractmethod
    async def find(self, record_id: UUID) -> RecordT | None: ...

    @abstractmethod
    async def lock(self, record_id: UUID) -> RecordT | None:
        """As it is now, and nobody else changes it before this transaction ends."""

    @abstractmethod
    async def page(self, wanted: Listed) -> tuple[Sequence[RecordT], int]:
        """One page, and how many there are on all of them."""

    @abstractmethod
    async def show(self, records: Sequence[RecordT], wanted: Parameters) -> list[SaidT]:
        """The records as SCIM shows them, with what is asked for at least."""

    @abstractmethod
    def require(self, said: SaidT) -> None:
        """Raises ScimRequestIsWrong without what the resource can't be without."""

    @abstractmethod
    def complete(self, said: SaidT, current: SaidT) -> None:
        """What a PUT may leave out without taking it away, as it is now."""

    @abstractmethod
    async def make(self, said: SaidT) -> tuple[RecordT, Noted]:
        """The new record, and all that follows from it."""

    @abstractmethod
    async def keep(self, record: RecordT, said: SaidT) -> Noted | None:
        """Let the locked record be what is said, with all that follows; None where it was so before."""

    @abstractmethod
    async def part(self, record: RecordT) -> Noted:
        """Remove the locked record, with all that follows."""
