"""The topics of every event, on a laptop and elsewhere."""

from stoa_common import topics
from stoa_devkit.trouble import Trouble

LAPTOP_PARTITIONS = 3


async def make_all(bootstrap: str, *, prefix: str, on_laptop: bool) -> None:
    """Make the topics that are missing: three partitions each on a laptop, elsewhere what the contracts declare.

    Raises Trouble.
    """
    try:
        await topics.make_all(bootstrap, prefix=prefix, partitions=LAPTOP_PARTITIONS if on_laptop else None)
    except topics.TopicsNotMade as failure:
        raise Trouble(str(failure)) from failure
