"""The supervisor, seen from outside: what it starts, brings back, and says when it can't."""

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import psutil
from platform_under_test import PlatformUnderTest, eventually

from stoa_devkit import leftovers
from stoa_devkit.lock import SUPERVISOR


def test_the_platform_comes_up_says_where_and_goes_down(platform: PlatformUnderTest) -> None:
    up = platform.run("up", "--detach")

    assert up.returncode == 0, up.stdout + up.stderr
    assert f"http://127.0.0.1:{platform.port}" in up.stdout
    status = platform.status()
    assert status["ready"]
    assert {part["name"]: part["condition"] for part in status["parts"]} == {"content": "ready", "gateway": "ready"}
    assert platform.run("status").returncode == 0

    assert platform.run("down").returncode == 0
    assert platform.run("status").returncode == 1
    assert not leftovers.find(platform.state.folder)


def test_status_says_what_a_subscriber_must_set(platform: PlatformUnderTest) -> None:
    platform.run("up", "--detach")

    said = platform.run("status").stdout

    servers = platform.variables["KAFKA_BOOTSTRAP_SERVERS"]
    assert f"KAFKA_BOOTSTRAP_SERVERS={servers} KAFKA_TOPIC_PREFIX=devkit-tests.\n" in said
    assert platform.status()["kafka"] == servers


def test_the_operators_password_is_told_once_and_kept_nowhere(platform: PlatformUnderTest) -> None:
    first = platform.run("up", "-d").stdout
    platform.run("down")
    second = platform.run("up", "-d").stdout

    password = next(line.split()[1] for line in first.splitlines() if line.strip().startswith("password"))
    assert "password" not in second
    kept = [file for file in platform.state.folder.rglob("*") if file.is_file()]
    assert not any(password.encode() in file.read_bytes() for file in kept)


def test_a_killed_service_comes_back_at_its_address(platform: PlatformUnderTest) -> None:
    platform.run("up", "-d")
    before = platform.part("content")

    os.kill(before["pid"], signal.SIGKILL)

    assert eventually(lambda: platform.part("content")["restarts"] == 1 and platform.status()["ready"])
    after = platform.part("content")
    assert after["pid"] != before["pid"]
    assert after["address"] == before["address"]


def test_after_a_killed_supervisor_the_next_takes_over(platform: PlatformUnderTest) -> None:
    platform.run("up", "-d")
    orphan = platform.part("gateway")["pid"]
    os.kill(platform.status()["supervisor"]["pid"], signal.SIGKILL)
    assert eventually(lambda: not platform.status()["running"])
    assert any(str(orphan) in left for left in platform.status()["left"])

    again = platform.run("up", "-d")

    assert again.returncode == 0, again.stdout
    assert not _runs(orphan)
    with urllib.request.urlopen(f"http://127.0.0.1:{platform.port}/") as answer:
        assert int(answer.read()) == platform.part("gateway")["pid"]


def test_down_ends_what_a_killed_supervisor_left(platform: PlatformUnderTest) -> None:
    platform.run("up", "-d")
    os.kill(platform.status()["supervisor"]["pid"], signal.SIGKILL)

    platform.run("down")

    assert not leftovers.find(platform.state.folder)


def test_ctrl_c_stops_all_of_it(platform: PlatformUnderTest) -> None:
    with platform.start_in_foreground() as foreground:
        assert eventually(lambda: platform.status()["ready"])

        foreground.send_signal(signal.SIGINT)
        said, _ = foreground.communicate(timeout=60)

    assert foreground.returncode == 0
    assert "content │ content listens" in said
    assert not leftovers.find(platform.state.folder)


def test_a_second_start_is_refused(platform: PlatformUnderTest) -> None:
    platform.run("up", "-d")

    for command in (["up"], ["up", "-d"]):
        refused = platform.run(*command)
        assert refused.returncode == 1
        assert _sentence(refused).startswith("stoa: Stoa already runs here")
    assert platform.status()["ready"]


def test_a_taken_port_is_one_sentence(platform: PlatformUnderTest) -> None:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", platform.port))
        stranger.listen()

        refused = platform.run("up")

    assert refused.returncode == 1
    assert _sentence(refused).startswith(f"stoa: Port {platform.port} is taken")
    assert "STOA_GATEWAY_PORT" in refused.stderr


def test_a_port_that_is_none_is_one_sentence(platform: PlatformUnderTest) -> None:
    refused = platform.run("up", STOA_GATEWAY_PORT="http")

    assert refused.returncode == 1
    assert "must be a port" in _sentence(refused)


def test_a_service_that_does_not_start_is_one_sentence_with_its_last_words(platform: PlatformUnderTest) -> None:
    refused = platform.run("up", FAKE_FAILURE="content")

    assert refused.returncode == 1
    assert "the fake service has a reason to end" in _sentence(refused)
    assert not leftovers.find(platform.state.folder)


def test_a_detached_start_that_fails_says_so_too(platform: PlatformUnderTest) -> None:
    refused = platform.run("up", "--detach", FAKE_FAILURE="content")

    assert refused.returncode == 1
    assert "the fake service has a reason to end" in refused.stdout


def test_a_broker_that_does_not_answer_is_one_sentence(platform: PlatformUnderTest) -> None:
    refused = platform.run("up", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")

    assert refused.returncode == 1
    assert "Kafka at 127.0.0.1:1" in _sentence(refused)


def test_what_is_recorded_of_a_process_that_is_somebody_elses_now_is_left_alone(platform: PlatformUnderTest) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    record = {"pid": stranger.pid, "started": 1.0, "command": ["sleep"]}
    platform.state.write("pids.json", {"content": record, "valkey": record})
    platform.state.write(SUPERVISOR, {"pid": stranger.pid, "started": 1.0, "parts": []})

    platform.run("up", "-d")
    platform.run("down")

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_logs_are_shown_by_service(platform: PlatformUnderTest) -> None:
    platform.run("up", "-d")

    assert "content │ content listens" in platform.run("logs", "content").stdout
    assert re.search("gateway +│ gateway listens", platform.run("logs").stdout)
    assert "There is no log of nobody" in _sentence(platform.run("logs", "nobody"))


def test_reset_deletes_everything_after_asking(platform: PlatformUnderTest) -> None:
    platform.run("up", "-d")

    assert platform.run("reset").returncode == 1
    assert platform.status()["ready"]
    assert platform.run("reset", "--yes").returncode == 0
    assert not platform.state.folder.exists()


def test_two_checkouts_run_side_by_side(platform: PlatformUnderTest, tmp_path: Path) -> None:
    platform.run("up", "-d")
    there = tmp_path / "other"
    port = platform.state.new_port("other")

    other = platform.run("up", "-d", STOA_STATE_DIR=str(there), STOA_GATEWAY_PORT=str(port))

    try:
        assert other.returncode == 0, other.stdout
        assert platform.status()["ready"]
        told = json.loads(platform.run("status", "--json", STOA_STATE_DIR=str(there)).stdout)
        assert told["gateway"] == f"http://127.0.0.1:{port}"
    finally:
        platform.run("down", STOA_STATE_DIR=str(there))


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _sentence(refused: "subprocess.CompletedProcess[str]") -> str:
    lines = refused.stderr.strip().splitlines()
    assert len(lines) == 1, refused.stderr
    return lines[0]
