"""What an answer may be while a part of the platform is away: rules alone, no I/O."""

from dataclasses import dataclass

from .parts import SERVICES

#: What routes have for their answer, and for the pauses in it: the shipped minute would make each pause one, too.
ANSWER_SECONDS = 10.0
#: On top of a route's time-out: a place at its service, the count of its limits, who counts as revoked, this machine.
MARGIN_SECONDS = 8.0
#: A credential that was ended counts nowhere after a second, and the rest is for this machine.
ENDED_SECONDS = 1.0
ENDED_MARGIN_SECONDS = 2.0
#: The connection ended within an answer that is a stream; and a stream that ended without its last event.
CUT, HALF = "cut", "half of an answer"
STILL_COUNTS = "what was ended still counts"
#: What is wrong with the infrastructure, in the words of docs/architecture/gateway.md; `unavailable` is the services',
#: which don't know for a moment after their start who was revoked; `page` is what their pages say to people; the last
#: ones are the tutor's, which says it by an event where its answer has begun.
PROMISED: dict[str, frozenset[int]] = {
    "service-is-down": frozenset({503}),
    "upstream-is-busy": frozenset({503}),
    "upstream-is-resting": frozenset({503}),
    "process-ends": frozenset({503}),
    "unavailable": frozenset({503}),
    "identity-is-away": frozenset({503}),
    "revocations-are-unknown": frozenset({503}),
    "page": frozenset({503}),
    "answer-is-broken": frozenset({502}),
    "service-timed-out": frozenset({504}),
    CUT: frozenset({200}),
    "provider-failed": frozenset({200, 502}),
    "provider-timed-out": frozenset({200, 502}),
    "answer-was-cut": frozenset({200, 502}),
}
NO_ANSWER = 0


@dataclass(frozen=True)
class Ask:
    """A kind of request: whose absence may be noticed, how long its route may take to answer, how often it is asked."""

    name: str
    #: The service that answers, or another part, or nobody's name: then nothing that is away may be noticed.
    service: str
    method: str
    path: str
    who: str = ""
    seconds: float = ANSWER_SECONDS
    pause: float = 0.7
    #: Whose absence may be noticed, too.
    also: frozenset[str] = frozenset()
    #: The only status that is right; None: any of success.
    wants: int | None = None
    #: What stands in the last event of a stream; empty where the answer is none.
    last_events: tuple[str, ...] = ()
    #: Whether nothing is well again before it was answered; what comes rarely is not waited for.
    is_awaited: bool = True

    def is_touched_by(self, target: str | None) -> bool:
        """Whether it may be refused while the part is away. Redis and Kafka are nobody's: all goes on without them."""
        return target in {self.service, *self.also} or (target == "postgres" and self.service in SERVICES)


@dataclass(frozen=True)
class Answer:
    """What came of one request; `told` is the problem's name, or what happened instead of a whole answer."""

    ask: Ask
    began: float
    seconds: float
    status: int
    told: str = ""
    retry_after: str = ""
    counted_locally: bool = False
    #: When the credential that it showed was ended.
    credential_ended: float | None = None

    @property
    def is_fine(self) -> bool:
        if self.ask.wants is not None:
            return self.status == self.ask.wants
        return 200 <= self.status < 300 and not self.told

    @property
    def ended(self) -> float:
        return self.began + self.seconds

    def __str__(self) -> str:
        return f"{self.ask.name}: {self.status or 'no answer'} {self.told} after {self.seconds:.1f} s"


def broken_promise(answer: Answer, target: str | None, *, since: float = 0.0) -> str | None:
    """What is wrong with the answer while the target is away (None: nothing is); None where it is as promised."""
    if answer.seconds > answer.ask.seconds + MARGIN_SECONDS:
        return f"{answer}: longer than its {answer.ask.seconds:.0f} s"
    if answer.is_fine:
        return None
    if answer.status == NO_ANSWER:
        return f"{answer}: not answered at all"
    if target is None or not answer.ask.is_touched_by(target):
        return f"{answer}: its service was not touched"
    if answer.told == STILL_COUNTS:
        return None if _was_just_ended(answer, target, since) else f"{answer}: for too long"
    return _badly_refused(answer)


def _badly_refused(answer: Answer) -> str | None:
    if answer.status not in PROMISED.get(answer.told, ()):
        return f"{answer}: not promised"
    if answer.told == CUT and not answer.ask.last_events:
        return f"{answer}: it is no stream"
    if answer.status == 503 and not answer.retry_after:
        return f"{answer}: without Retry-After"
    return None


def _was_just_ended(answer: Answer, target: str, since: float) -> bool:
    """Auth went away before it could tell anybody: what others knew stays good for a minute then."""
    ended = answer.credential_ended
    return (
        target in {"auth", "postgres"} and ended is not None and since - ENDED_SECONDS < ended < since + ENDED_SECONDS
    )
