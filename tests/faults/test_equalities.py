"""Each equality notices what it is there for, and nothing else; no servers needed."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from .equalities import check
from .ledger import Answer, Intent
from .truth import COMPLETED, Effect, Logged, Parked, Streamed, Total, Truth

KEY = ("content.enrollment", "a")
COMMAND, REFUSED = UUID(int=100), UUID(int=101)


def a_sound_truth() -> Truth:
    """One command of three events, all the way."""
    ids = [UUID(int=number) for number in (1, 2, 3)]
    truth = Truth(intents={COMMAND: Intent(COMMAND, 3, False, Answer.ACCEPTED)})
    truth.intents[REFUSED] = Intent(REFUSED, 1, False, Answer.REFUSED)
    for number, event_id in enumerate(ids, start=1):
        place = (KEY[0], 0, number)
        truth.log[event_id] = Logged(event_id, KEY, COMPLETED, number, COMMAND, 10, str(number))
        truth.stream.append(Streamed(place, KEY, event_id, COMPLETED, number, COMMAND))
        truth.effects.append(Effect(event_id, KEY, number, 1))
        truth.copies[place] = (event_id, str(number))
    truth.inbox = set(ids)
    truth.totals = {KEY: Total(3, 30, 3)}
    return truth


def broken(truth: Truth) -> set[str]:
    return {verdict.name for verdict in check(truth, kills=0) if not verdict.holds}


def lose_in_log(truth: Truth) -> None:
    """And everywhere after it, as a commit that never was."""
    gone = truth.stream.pop()
    assert gone.event_id is not None
    del truth.log[gone.event_id], truth.copies[gone.place]
    truth.inbox.discard(gone.event_id)
    truth.effects.pop()
    truth.totals[KEY] = Total(2, 20, 2)


def forget_to_publish(truth: Truth) -> None:
    extra = UUID(int=9)
    truth.log[extra] = Logged(extra, ("content.enrollment", "b"), "other", 1, COMMAND, 0, "x")


def leak_a_rollback(truth: Truth) -> None:
    truth.stream[0] = replace(truth.stream[0], command_id=REFUSED)


def lose_at_the_reader(truth: Truth) -> None:
    truth.inbox.discard(UUID(int=3))
    truth.effects.pop()


def lose_in_the_copy(truth: Truth) -> None:
    del truth.copies[KEY[0], 0, 3]


def apply_twice(truth: Truth) -> None:
    truth.effects[1] = replace(truth.effects[1], times=2)


def apply_never(truth: Truth) -> None:
    truth.effects.pop()


def swap_on_kafka(truth: Truth) -> None:
    first, second, third = truth.stream
    truth.stream = [replace(second, place=first.place), replace(first, place=second.place), third]


def swap_effects(truth: Truth) -> None:
    truth.effects.reverse()


def miscount(truth: Truth) -> None:
    truth.totals[KEY] = Total(3, 31, 3)


def change_the_copy(truth: Truth) -> None:
    truth.copies[KEY[0], 0, 3] = (UUID(int=3), "changed")


def publish_twice(truth: Truth) -> None:
    again = replace(truth.stream[0], place=(KEY[0], 0, 4))
    truth.stream.append(again)
    truth.copies[again.place] = (UUID(int=1), "1")


def test_what_is_sound_holds() -> None:
    assert broken(a_sound_truth()) == set()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lose_in_log, "I1"),
        (forget_to_publish, "I2"),
        (leak_a_rollback, "I3"),
        (lose_at_the_reader, "I4"),
        (lose_in_the_copy, "I4"),
        (apply_twice, "I5"),
        (apply_never, "I5"),
        (swap_on_kafka, "I6"),
        (swap_effects, "I6"),
        (miscount, "I7"),
        (change_the_copy, "I7"),
        (publish_twice, "I8"),
    ],
)
def test_each_damage_breaks_the_equality_that_names_it(damage: Callable[[Truth], None], named: str) -> None:
    truth = a_sound_truth()

    damage(truth)

    assert named in broken(truth)


def test_a_command_whose_connection_died_may_have_happened_or_not() -> None:
    happened, absent = a_sound_truth(), a_sound_truth()
    happened.intents[COMMAND].answer = Answer.UNKNOWN
    absent.intents[UUID(int=102)] = Intent(UUID(int=102), 2, True, Answer.UNKNOWN)

    assert broken(happened) == broken(absent) == set()


def test_half_a_command_is_noticed_even_if_its_answer_is_unknown() -> None:
    truth = a_sound_truth()
    truth.intents[COMMAND] = Intent(COMMAND, 4, False, Answer.UNKNOWN)

    assert broken(truth) == {"I1"}


def test_poison_that_is_parked_or_set_aside_is_accounted_for() -> None:
    truth = a_sound_truth()
    place = (KEY[0], 0, 4)
    truth.stream.append(Streamed(place, KEY, fault="null-header"))

    assert broken(truth) == {"I4"}
    truth.parked.append(Parked(place, None, "waiting"))
    truth.bad.add(place)
    assert broken(truth) == set()


def test_duplicates_that_another_producer_sent_are_not_the_relays() -> None:
    truth = a_sound_truth()
    publish_twice(truth)
    truth.stream[-1] = replace(truth.stream[-1], fault="duplicate")

    assert broken(truth) == set()
