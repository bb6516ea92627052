"""The short form of `make outages`: each kind of fault once, and each server and service that it shows most at."""

from .parts import Fault, Happening, Parts
from .run import PAUSE_SECONDS, run
from .school import School

FAULTS = (
    Fault("content", Happening.KILLED),
    Fault("valkey", Happening.PAUSED, 4.0),
    Fault("kafka", Happening.KILLED),
    Fault("content", Happening.PAUSED, PAUSE_SECONDS),
)


async def test_what_is_away_is_told_as_promised_and_leaves_nothing_behind(school: School, parts: Parts) -> None:
    outcome = await run(school, parts, FAULTS, seconds=600)

    assert outcome.holds, "\n".join(outcome.all_broken)
    assert len(outcome.rounds) == len(FAULTS)
    told = {answer.told for done in outcome.rounds for answer in done.answers}
    assert {"service-is-down", "service-timed-out"} <= told
    redis = next(done for done in outcome.rounds if done.fault.target == "valkey")
    assert any(answer.counted_locally for answer in redis.answers)
