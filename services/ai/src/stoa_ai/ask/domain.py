"""What an answer adds up to while its pieces come in, and the facts that are recorded of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from stoa_ai.providers.service import Cited, Finished, Piece, Provider, Text, Used, estimate_tokens
from stoa_events.contracts import AnswerGenerated, UsageRecorded

FEATURE = "ask"


class CitationDoesNotHold(ValueError):
    """A citation's quote is not in the passage that it names: a bug of a provider."""


class Status(StrEnum):
    ANSWERED = "answered"
    #: The client left before the end.
    LEFT = "left"
    #: There is no whole answer: the provider failed.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks about which course."""

    organization_id: UUID
    course_id: UUID
    person_id: UUID


@dataclass(slots=True)
class Answer:
    """One generation, from its first piece to its record."""

    id: UUID
    asked: Asked
    provider: Provider
    status: Status = Status.FAILED
    found: bool = False
    text: str = ""
    citations: list[Cited] = field(default_factory=list)
    used: Used | None = None

    def take(self, piece: Piece) -> None:
        """Raises CitationDoesNotHold."""
        match piece:
            case Text():
                self.text += piece.text
            case Cited():
                quote(piece)
                self.citations.append(piece)
            case Used():
                self.used = piece
            case Finished():
                self.found, self.status = piece.found, Status.ANSWERED

    @property
    def spent(self) -> Used:
        """What the provider told; for an answer that was cut off, at least what had come."""
        told = self.used or Used(0, 0, "estimate")
        return Used(told.input_tokens, told.output_tokens or estimate_tokens(self.text), told.source)

    def events(self, *, usage_id: UUID, at: datetime, duration_ms: int) -> list[AnswerGenerated | UsageRecorded]:
        """What readers learn: the answer, unless there was none, and the usage, unless nothing was used."""
        happened: list[AnswerGenerated | UsageRecorded] = []
        if self.status is not Status.FAILED:
            happened.append(self._generated(at, duration_ms))
        if self.used is not None:
            happened.append(self._usage(usage_id, at))
        return happened

    def _generated(self, at: datetime, duration_ms: int) -> AnswerGenerated:
        return AnswerGenerated(
            generation_id=self.id,
            organization_id=self.asked.organization_id,
            course_id=self.asked.course_id,
            person_id=self.asked.person_id,
            generated_by=self.provider.generated_by,
            model=self.provider.model,
            found=self.found,
            citation_count=len(self.citations),
            duration_ms=duration_ms,
            generated_at=at,
        )

    def _usage(self, usage_id: UUID, at: datetime) -> UsageRecorded:
        spent = self.spent
        return UsageRecorded(
            usage_id=usage_id,
            organization_id=self.asked.organization_id,
            person_id=self.asked.person_id,
            generation_id=self.id,
            feature=FEATURE,
            model=self.provider.model,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            usage_source=spent.source,
            recorded_at=at,
        )


def quote(cited: Cited) -> str:
    """The words that a citation names, as the stored lesson has them; raises CitationDoesNotHold outside of its hit."""
    if not cited.hit.start <= cited.start < cited.end <= cited.hit.end:
        raise CitationDoesNotHold(f"{cited.start} to {cited.end} is outside of passage {cited.hit.passage_id}.")
    return cited.hit.text[cited.start - cited.hit.start : cited.end - cited.hit.start]
