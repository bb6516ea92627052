"""What is killed comes back, and nothing that was said is lost."""

import json
import os
import signal
import subprocess
import time
from typing import Any

import httpx2
from conftest import ROOT, STOA, Platform
from dirty_equals import IsPartialDict
from world import World, log_in

VICTIMS = ("content", "kafka", "analytics", "gateway", "postgres", "ai", "auth", "feed", "valkey")
BETWEEN_KILLS = 3.0
DEMO_SECONDS = 240


def _part(platform: Platform, name: str) -> dict[str, Any]:
    return next(part for part in platform.status()["parts"] if part["name"] == name)


def _kill(platform: Platform, name: str) -> int | None:
    """Kill a part with -9; None if it is just being restarted."""
    pid = _part(platform, name)["pid"]
    if pid is None:
        return None
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return int(pid)


def _wait_until_ready(platform: Platform, *, seconds: float = 60) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while not (status := platform.status())["ready"] and time.monotonic() < until:
        time.sleep(0.3)
    return status


def _counted(api: httpx2.Client, world: World, *, seconds: float = 30) -> dict[str, Any]:
    """What the dashboard counts, once it counts anything."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        board = api.get(f"/api/v1/analytics/courses/{world.ids['course_id']}", headers=world.owner.headers).json()
        if board.get("attempts"):
            return {name: board[name] for name in ("learners", "attempts", "mean_score", "score_distribution")}
        time.sleep(0.2)
    raise TimeoutError("The dashboard counts nothing.")


def test_the_demos_numbers_add_up_while_every_part_is_killed_in_turn(platform: Platform) -> None:
    demo = subprocess.Popen(
        [str(STOA), "demo", "--json", "--learners", "20"],
        cwd=ROOT,
        env=platform.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    killed: list[str] = []
    try:
        for victim in VICTIMS:
            time.sleep(BETWEEN_KILLS)
            if demo.poll() is not None:
                break
            if _kill(platform, victim):
                killed.append(victim)
        output, errors = demo.communicate(timeout=DEMO_SECONDS)
    finally:
        demo.kill()

    assert demo.returncode == 0, f"killed {killed}\n{output[-2000:]}\n{errors[-3000:]}"
    told = json.loads(output.strip().splitlines()[-1])
    assert len(killed) >= 3
    assert told["learners"] == 20
    assert told["analytics"] == IsPartialDict(learners=told["learners"], attempts=told["attempts"])
    assert _wait_until_ready(platform)["ready"]


def test_after_the_supervisor_is_killed_a_new_start_finds_everything(
    platform: Platform, api: httpx2.Client, world: World
) -> None:
    before = _counted(api, world)
    os.kill(platform.status()["supervisor"]["pid"], signal.SIGKILL)

    started = platform.stoa("up", "--detach")

    assert started.returncode == 0, started.stdout + started.stderr
    learner = log_in(api, world.learner.email)
    attempt = api.get(f"/api/v1/content/attempts/{world.ids['attempt_id']}", headers=learner.headers)
    answers = api.get(f"/api/v1/ai/courses/{world.ids['course_id']}", headers=learner.headers).json()
    assert attempt.status_code == 200
    assert answers == IsPartialDict(ready=True)
    assert _counted(api, world) == before
