"""What an answer may be while a part of the platform is away: rules alone, no I/O."""

from dataclasses import dataclass

from .parts import SERVICES

#: On top of a route's time-out: a place at its service, the count of its limits, who counts as revoked, this machine.
MARGIN_SECONDS = 8.0
#: What is wrong with the infrastructure, in the words of docs/architecture/gateway.md; `unavailable` is the services'.
PROMISED = {
    "service-is-down": 503,
    "upstream-is-busy": 503,
    "upstream-is-resting": 503,
    "process-ends": 503,
    "unavailable": 503,
    "answer-is-broken": 502,
    "service-timed-out": 504,
}
#: Whose routes may refuse while the part is away. Redis and Kafka are nobody's: everything goes on without them.
TOUCHED: dict[str, frozenset[str]] = {
    **{service: frozenset({service}) for service in SERVICES},
    "postgres": frozenset(SERVICES),
    "valkey": frozenset(),
    "kafka": frozenset(),
}
NO_ANSWER = 0


@dataclass(frozen=True)
class Ask:
    """A kind of request: of which service, how long its route may take to answer, how often it is asked."""

    name: str
    service: str
    method: str
    path: str
    who: str = ""
    seconds: float = 15.0
    pause: float = 0.7


@dataclass(frozen=True)
class Answer:
    """What came of one request; `told` is the problem's name, or what happened instead of an answer."""

    ask: Ask
    began: float
    seconds: float
    status: int
    told: str = ""
    retry_after: str = ""
    counted_locally: bool = False

    @property
    def is_fine(self) -> bool:
        return 200 <= self.status < 300

    @property
    def ended(self) -> float:
        return self.began + self.seconds

    def __str__(self) -> str:
        return f"{self.ask.name}: {self.status or 'no answer'} {self.told} after {self.seconds:.1f} s"


def broken_promise(answer: Answer, target: str | None) -> str | None:
    """What is wrong with the answer while the target is away (None: nothing is); None where it is as promised."""
    if answer.seconds > answer.ask.seconds + MARGIN_SECONDS:
        return f"{answer}: longer than its {answer.ask.seconds:.0f} s"
    if answer.is_fine:
        return None
    if answer.status == NO_ANSWER:
        return f"{answer}: not answered at all"
    if target is None or answer.ask.service not in TOUCHED[target]:
        return f"{answer}: its service was not touched"
    if PROMISED.get(answer.told) != answer.status:
        return f"{answer}: not promised"
    if answer.status == 503 and not answer.retry_after:
        return f"{answer}: without Retry-After"
    return None
