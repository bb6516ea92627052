"""The topics of every event, on a laptop and elsewhere."""

from stoa_common.messaging import topics
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble
from stoa_events.contracts import TOPICS

__all__ = ["LAPTOP_PARTITIONS", "TOPICS", "are_recorded", "make_all", "record"]

LAPTOP_PARTITIONS = 3
RECORD = "topics.json"


async def make_all(bootstrap: str, *, prefix: str, on_laptop: bool) -> None:
    """Make the topics that are missing: three partitions each on a laptop, elsewhere what the contracts declare.

    Raises Trouble.
    """
    try:
        await topics.make_all(bootstrap, prefix=prefix, partitions=LAPTOP_PARTITIONS if on_laptop else None)
    except topics.TopicsNotMade as failure:
        raise Trouble(str(failure)) from failure


def are_recorded(state: State, *, prefix: str) -> bool:
    """Whether every topic under this prefix was made here before."""
    return set(TOPICS) <= set(state.read(RECORD).get(prefix, []))


def record(state: State, *, prefix: str) -> None:
    """Write down that they were made."""
    state.write(RECORD, {**state.read(RECORD), prefix: sorted(TOPICS)})
