"""A platform for outages: its routes' time-outs are short enough to be seen, its limits far away."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platforms import Platform, a_platform

from stoa_gateway.routing.policies import OURS

from .models import Models, serving
from .promises import ANSWER_SECONDS

#: A model that is silent is given up before the gateway gives the tutor up.
STALL_SECONDS = 6
_WAITS = re.compile(r"^(answer_seconds|idle_seconds) = [\d.]+", re.MULTILINE)


@dataclass(frozen=True)
class Stage:
    """A running platform and the server of models that it asks."""

    platform: Platform
    models: Models

    @property
    def state(self) -> Path:
        return Path(self.platform.environment["STOA_STATE_DIR"])


@contextmanager
def a_stage(folder: Path) -> Iterator[Stage]:
    """The shipped policies, with short waits."""
    policies = folder / "policies.toml"
    policies.write_text(_WAITS.sub(rf"\1 = {ANSWER_SECONDS}", OURS.read_text()))
    with serving(folder) as models:
        variables = {
            "GATEWAY_POLICIES": str(policies),
            "GATEWAY_LIMITS_SCALE": "100",
            "GATEWAY_V1_URL": models.url,
            "OPENAI_BASE_URL": models.url,
            "AI_PROVIDER_STALL_SECONDS": str(STALL_SECONDS),
        }
        with a_platform(folder, **variables) as platform:
            yield Stage(platform, models)
