"""Whether analytics says what the learners were told."""

import asyncio
import math
from collections import Counter

import httpx2

from stoa_devkit.demo.client import JSON, Person, Refused
from stoa_devkit.demo.records import Figures

TOLERANCE = 1e-6
PAUSE_SECONDS = 1.0
UNHEARD_OF: JSON = {
    "learners": 0,
    "attempts": 0,
    "mean_score": None,
    "score_distribution": [],
    "hardest_questions": [],
}
"""What analytics says of a course of which no event has arrived."""


def differences(told: Figures, analytics: Figures) -> list[str]:
    """A sentence for each figure that differs; none where they agree."""
    found = []
    if told.learners != analytics.learners:
        found.append(f"{told.learners} learners enrolled, analytics counts {analytics.learners}.")
    if told.attempts != analytics.attempts:
        found.append(f"{told.attempts} attempts were graded, analytics counts {analytics.attempts}.")
    if not _same_score(told.mean_score, analytics.mean_score):
        found.append(f"The mean score was {told.mean_score}, analytics says {analytics.mean_score}.")
    return found


def _same_score(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=0, abs_tol=TOLERANCE)


def figures_of(dashboard: JSON) -> Figures:
    return Figures(dashboard["learners"], dashboard["attempts"], dashboard["mean_score"])


async def wait_for_agreement(author: Person, course_id: str, told: Figures, *, looks: int) -> JSON:
    """The course's dashboard as soon as it agrees, or as it is when so many looks, a second apart, saw no change.

    Looks are counted and not seconds: while analytics restarts, one look waits for it, and then it has to catch up.
    """
    dashboard, left = await _dashboard(author, course_id), looks
    while differences(told, figures_of(dashboard)) and left:
        await asyncio.sleep(PAUSE_SECONDS)
        before, dashboard = dashboard, await _dashboard(author, course_id)
        left = left - 1 if figures_of(dashboard) == figures_of(before) else looks
    return dashboard


async def _dashboard(author: Person, course_id: str) -> JSON:
    try:
        dashboard: JSON = await author.get(f"/api/v1/analytics/courses/{course_id}")
    except Refused as refusal:
        if refusal.status != httpx2.codes.NOT_FOUND:
            raise
        return UNHEARD_OF
    return dashboard


async def settled_events(author: Person, *, looks: int) -> dict[str, int]:
    """The organization's events by topic, once two looks are equal: other topics may lag behind the attempts."""
    events = await _events(author)
    for _ in range(looks):
        await asyncio.sleep(PAUSE_SECONDS)
        before, events = events, await _events(author)
        if events == before:
            break
    return events


async def _events(author: Person) -> dict[str, int]:
    summary = await author.get("/api/v1/analytics/events/summary")
    counts: Counter[str] = Counter()
    for row in summary["items"]:
        counts[row["topic"]] += row["count"]
    return dict(sorted(counts.items()))
