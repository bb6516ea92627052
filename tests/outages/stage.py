"""A platform for outages: its routes' time-outs are short enough to be seen, its limits far away."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platforms import Platform, a_platform

from stoa_gateway.routing.policies import OURS


@contextmanager
def a_stage(folder: Path) -> Iterator[Platform]:
    """The shipped policies, with a time-out of 15 s where they have a minute."""
    policies = folder / "policies.toml"
    policies.write_text(OURS.read_text().replace("answer_seconds = 60.0", "answer_seconds = 15.0"))
    variables = {"GATEWAY_POLICIES": str(policies), "GATEWAY_LIMITS_SCALE": "100"}
    with a_platform(folder, **variables) as platform:
        yield platform


def state_of(platform: Platform) -> Path:
    return Path(platform.environment["STOA_STATE_DIR"])
