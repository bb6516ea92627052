"""The equalities I1 to I8, each a pure function of what is true after a run. I9 and I10 are in `recovery`."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

from .ledger import Answer
from .truth import COMPLETED, GRADED, SINGLE_TOPIC, Key, Total, Truth, Unit, fold

SHOWN = 5
MOST_DUPLICATES = 0.01


@dataclass(frozen=True)
class Verdict:
    """One equality: what was counted, and the first things that break it."""

    name: str
    counts: str
    violations: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.violations

    def __str__(self) -> str:
        if self.holds:
            return f"{self.name} holds: {self.counts}"
        shown = "; ".join(self.violations[:SHOWN])
        more = f"; and {len(self.violations) - SHOWN:,} more" if len(self.violations) > SHOWN else ""
        return f"{self.name} BROKEN: {self.counts}: {shown}{more}"


def check(truth: Truth, *, kills: int, at_least: int = 0) -> list[Verdict]:
    """I1 to I8; `kills` and `at_least` are what I8 allows for."""
    relayed = [i1, i2, i3, i4_handled, i4_copied, i5, i6, i7_totals, i7_copies]
    return [*(equality(truth) for equality in relayed), i8(truth, kills=kills, at_least=at_least)]


def i1(truth: Truth) -> Verdict:
    """Every accepted command is whole in `event_log`; a refused one left nothing; an unknown one all or nothing."""
    found: dict[object, Counter[str]] = defaultdict(Counter)
    for event in truth.log.values():
        found[event.command_id][event.type] += 1
    violations = [f"event_log has a command {command} that nobody sent" for command in found.keys() - truth.intents]
    answers: Counter[Answer] = Counter()
    for intent in truth.intents.values():
        answers[intent.answer] += 1
        there = found.get(intent.command_id, Counter())
        is_whole = there[COMPLETED] == intent.lessons and there[GRADED] == intent.is_graded
        is_right = is_whole if intent.answer is Answer.ACCEPTED else not there
        if not is_right and not (intent.answer is Answer.UNKNOWN and is_whole):
            violations.append(f"{intent.answer} command {intent.command_id} has {dict(there)} in event_log")
    accepted, unknown = answers[Answer.ACCEPTED], answers[Answer.UNKNOWN]
    counts = f"{accepted:,} accepted commands are whole in event_log ({unknown:,} unknown, each whole or absent)"
    return Verdict("I1", counts, tuple(violations))


def i2(truth: Truth) -> Verdict:
    """The ids in `event_log` are the ids on Kafka."""
    streamed = {record.event_id for record in truth.relayed}
    lost, strange = truth.log.keys() - streamed, streamed - truth.log.keys()
    violations = [*(f"{i} is not on Kafka" for i in lost), *(f"{i} is not in event_log" for i in strange)]
    return Verdict("I2", f"{len(truth.log):,} ids in event_log = {len(streamed):,} on Kafka", tuple(violations))


def i3(truth: Truth) -> Verdict:
    """Nothing on Kafka was rolled back."""
    refused = {i for i, intent in truth.intents.items() if intent.answer is Answer.REFUSED}
    leaked = [record for record in truth.relayed if record.command_id in refused]
    violations = tuple(f"{record.event_id} of the refused command {record.command_id}" for record in leaked)
    return Verdict("I3", f"{len(refused):,} rolled-back commands, {len(leaked):,} of their events on Kafka", violations)


def i4_handled(truth: Truth) -> Verdict:
    """For the group with an inbox: Kafka = inbox + parked + discarded + skipped."""
    streamed: set[Unit] = {record.unit for record in truth.stream}
    inbox: set[Unit] = set(truth.inbox)
    skipped = {record.unit for record in truth.stream if record.is_skipped}
    # What is in the inbox and waits again, behind a parked event of its key, counts as handled.
    waiting = {row.unit for row in truth.parked if row.state != "discarded"} - inbox
    discarded = {row.unit for row in truth.parked if row.state == "discarded"} - inbox
    counts = (
        f"{len(streamed):,} on Kafka = {len(inbox):,} inbox + {len(waiting):,} parked"
        f" + {len(discarded):,} discarded + {len(skipped):,} skipped"
    )
    parts = (inbox, waiting, discarded, skipped)
    return Verdict("I4", f"reader.counts: {counts}", _compared(streamed, parts))


def i4_copied(truth: Truth) -> Verdict:
    """For the group that copies: Kafka = own table + `bad_events`, record by record."""
    streamed: set[Unit] = {record.place for record in truth.stream}
    copies: set[Unit] = set(truth.copies)
    bad: set[Unit] = set(truth.bad)
    counts = f"{len(streamed):,} records on Kafka = {len(copies):,} copied + {len(bad):,} bad"
    return Verdict("I4", f"reader.copy: {counts}", _compared(streamed, (copies, bad)))


def i5(truth: Truth) -> Verdict:
    """Each handled id took effect once."""
    times = {effect.event_id: effect.times for effect in truth.effects}
    wrong = [f"{i} took effect {n} times" for i, n in times.items() if n != 1]
    without = [f"{i} is in the inbox and took no effect" for i in truth.inbox - times.keys()]
    uncounted = [f"{i} took effect and is not in the inbox" for i in times.keys() - truth.inbox]
    counts = f"{len(truth.inbox):,} handled = {sum(times.values()):,} effects"
    return Verdict("I5", counts, (*wrong, *without, *uncounted))


def i6(truth: Truth) -> Verdict:
    """Versions per key strictly increase: on Kafka by first occurrence, and in the order of effects."""
    streamed = _first_occurrences(truth)
    applied: dict[Key, list[int]] = defaultdict(list)
    for effect in truth.effects:
        applied[effect.key].append(effect.sequence)
    violations = [*_inversions("on Kafka", streamed), *_inversions("in effect", applied)]
    keys = sum(key[0] != SINGLE_TOPIC for key in streamed)
    return Verdict("I6", f"{keys:,} keys with several versions, {len(violations):,} inversions", tuple(violations))


def i7_totals(truth: Truth) -> Verdict:
    """A fold of `event_log` = the reader's totals, but for what is parked."""
    held = truth.parked_ids - truth.inbox
    expected = fold([event for event in truth.log.values() if event.event_id not in held])
    wrong = [
        f"{key}: {_told(expected.get(key))} by event_log, {_told(truth.totals.get(key))} at the reader"
        for key in expected.keys() | truth.totals.keys()
        if expected.get(key) != truth.totals.get(key)
    ]
    points = sum(total.points for total in truth.totals.values())
    counts = f"a fold over {len(expected):,} keys = the reader's totals of {len(truth.totals):,} ({points:,} points)"
    return Verdict("I7", counts, tuple(wrong))


def i7_copies(truth: Truth) -> Verdict:
    """The data of each event in `event_log` = the copy's."""
    copied = dict(truth.copies.values())
    wrong = [f"{i} differs in the copy" for i, event in truth.log.items() if copied.get(i) != event.digest]
    return Verdict("I7", f"{len(truth.log):,} events of event_log, byte for byte in the copy", tuple(wrong))


def i8(truth: Truth, *, kills: int, at_least: int) -> Verdict:
    """Few records are on Kafka twice: under 1 % with kills, none without."""
    relayed = list(truth.relayed)
    distinct = len({record.event_id for record in relayed})
    duplicates = len(relayed) - distinct
    allowed = max(int(distinct * MOST_DUPLICATES), at_least) if kills else 0
    counts = f"{duplicates:,} of {distinct:,} on Kafka again ({kills:,} kills and outages; {allowed:,} allowed)"
    return Verdict("I8", counts, () if duplicates <= allowed else (f"{duplicates:,} duplicates",))


def _compared(streamed: set[Unit], parts: Collection[set[Unit]]) -> tuple[str, ...]:
    accounted = set().union(*parts)
    lost = [f"{unit} is accounted for nowhere" for unit in streamed - accounted]
    strange = [f"{unit} was never on Kafka" for unit in accounted - streamed]
    twice = [f"{sum(map(len, parts)) - len(accounted):,} are in two places"]
    return (*lost, *strange, *(twice if sum(map(len, parts)) != len(accounted) else []))


def _first_occurrences(truth: Truth) -> dict[Key, list[int]]:
    seen: set[object] = set()
    sequences: dict[Key, list[int]] = defaultdict(list)
    for record in sorted(truth.relayed, key=lambda record: record.place):
        if record.event_id not in seen:
            seen.add(record.event_id)
            sequences[record.key].append(record.sequence)
    return sequences


def _inversions(where: str, sequences: dict[Key, list[int]]) -> Iterable[str]:
    for (topic, key), versions in sequences.items():
        for before, after in pairwise(versions):
            if after <= before and topic != SINGLE_TOPIC:
                yield f"{topic} {key}: {after} follows {before} {where}"


def _told(total: Total | None) -> str:
    return "nothing" if total is None else f"{total.events} events, {total.points} points, up to {total.last_sequence}"
