"""What every provider speaks: a question with its passages in, pieces of an answer out, or a refusal with a name."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import ClassVar, Literal

from stoa_ai.passages.service import Hit, Retrieved
from stoa_common.errors import BadGateway

NOT_FOUND = "not found in this course"

GeneratedBy = Literal["extractive", "model"]
UsageSource = Literal["provider", "estimate", "local"]


class ProviderFailed(BadGateway):
    """The model's server could not answer, or answered with something that is no answer."""


class ProviderIsBusy(ProviderFailed):
    """The model's server has no room for this request now."""


class ProviderTimedOut(ProviderFailed):
    """The model's server stayed silent too long."""


class AnswerWasCut(ProviderFailed):
    """The model stopped before its answer was whole."""


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    retrieved: Retrieved


@dataclass(frozen=True, slots=True)
class Text:
    """The answer goes on with this."""

    text: str


@dataclass(frozen=True, slots=True)
class Cited:
    """What was just said rests on `hit`, on the code points `start` to `end` of its lesson; `number` counts from 1."""

    number: int
    hit: Hit
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Used:
    """What the call has used so far; the last one counts."""

    input_tokens: int
    output_tokens: int
    source: UsageSource


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is whole; `found` is False where the course does not answer the question."""

    found: bool


Piece = Text | Cited | Used | Finished


class Provider(ABC):
    """Writes answers from passages. `prompt` names the instructions that a model was given, with their version."""

    generated_by: ClassVar[GeneratedBy]
    model: str
    prompt: str | None = None

    @abstractmethod
    def answer(self, question: Question) -> AsyncGenerator[Piece, None]:
        """The answer's pieces as they come, `Finished` last; raises ProviderFailed, with what was used told before."""
