"""`python -m bench.revocations [--json] [--count N]`: how long after a change the gateway still takes an old token.

A whole platform of its own. Somebody logs in and reads at the gateway; then they are suspended, get other roles, or log
out; the gateway is asked every few milliseconds until it refuses. Each is measured again with Redis flushed right after
the change, from the change on.
"""

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from redis import Redis
from rich.console import Console
from rich.table import Table

from stoa_devkit.environment import OPERATOR_EMAIL
from stoa_devkit.ports import free_port
from stoa_devkit.state import State

AUTH = "/api/v1/auth"
#: What is read: by another service, so both the gateway and it must know.
READ = "/api/v1/content/courses"
PASSWORD = "seven purple otters"
EVERY_SECONDS = 0.01
LIMIT_SECONDS = 1.0
LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Account:
    email: str
    person_id: str
    organization_id: str
    headers: dict[str, str]


@dataclass
class Bench:
    """A platform, with an operator, an owner of an organization, and a member of it."""

    api: httpx2.Client
    redis: "Redis"
    operator: Account
    owner: Account
    member: Account

    def log_in_again(self) -> None:
        self.member = log_in(self.api, self.member.email)

    def suspend(self) -> None:
        self._administer("suspend")

    def change_roles(self) -> None:
        path = f"{AUTH}/organizations/{self.member.organization_id}/members/{self.member.person_id}"
        now = set(self._roles(path.rpartition("/")[0]))
        roles = ["learner"] if "author" in now else ["learner", "author"]
        _ok(self.api.patch(path, json={"roles": roles}, headers=self.owner.headers))

    def _roles(self, path: str) -> list[str]:
        listed = _ok(self.api.get(path, headers=self.owner.headers)).json()["items"]
        return next(member["roles"] for member in listed if member["person_id"] == self.member.person_id)

    def log_out(self) -> None:
        _ok(self.api.post(f"{AUTH}/logout", headers=self.member.headers))

    def let_in(self) -> None:
        """So that the next round begins as this one."""
        self._administer("resume")

    def _administer(self, verb: str) -> None:
        path = f"{AUTH}/administration/people/{self.member.person_id}/{verb}"
        _ok(self.api.post(path, json={"reason": "A measurement"}, headers=self.operator.headers))

    def seconds_until_refused(self, change: Callable[[], None], *, is_flushed: bool) -> float:
        """From the answer to the change on."""
        self.log_in_again()
        _ok(self.api.get(READ, headers=self.member.headers))
        change()
        began = time.monotonic()
        if is_flushed:
            self.redis.flushall()
        while self.api.get(READ, headers=self.member.headers).status_code != httpx2.codes.UNAUTHORIZED:
            if time.monotonic() - began > LONGEST_SECONDS:
                raise SystemExit(f"The token was still taken after {LONGEST_SECONDS:.0f} s.")
            time.sleep(EVERY_SECONDS)
        return time.monotonic() - began


def measure(bench: Bench, *, count: int) -> dict[str, dict[str, float]]:
    """Seconds: the median and the longest of each change."""
    changes = {"suspended": bench.suspend, "other roles": bench.change_roles, "logged out": bench.log_out}
    found = {}
    for name, change in changes.items():
        for is_flushed in (False, True):
            took = []
            for _ in range(count):
                took.append(bench.seconds_until_refused(change, is_flushed=is_flushed))
                bench.let_in()
            label = f"{name}, Redis flushed" if is_flushed else name
            found[label] = {"median": statistics.median(took), "max": max(took)}
    return found


@contextmanager
def running_platform() -> Iterator[Bench]:
    """As `make up` starts it, in a folder of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        port, password = free_port(), secrets.token_urlsafe(16)
        environment = {
            **os.environ,
            "STOA_STATE_DIR": folder,
            "STOA_GATEWAY_PORT": str(port),
            "AUTH_OPERATOR_PASSWORD": password,
            "AUTH_INVITING_NEEDS_VERIFIED_EMAIL": "false",
            # It asks as often as it can.
            "GATEWAY_LIMITS_SCALE": "0",
        }
        try:
            _stoa(environment, "up", "--detach")
            state = State(Path(folder))
            with (
                httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as api,
                Redis(host="127.0.0.1", port=state.port("valkey"), password=state.find_secret("valkey")) as redis,
            ):
                operator, owner = log_in(api, OPERATOR_EMAIL, password), register(api)
                yield Bench(api, redis, operator, owner, register(api, invitation=_invite(api, owner)))
        finally:
            _stoa(environment, "down")


def _stoa(environment: dict[str, str], *arguments: str) -> None:
    program = str(Path(sys.executable).with_name("stoa"))
    ran = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(ran.stdout + ran.stderr)


def register(api: httpx2.Client, **invitation: str) -> Account:
    email = f"{secrets.token_hex(8)}@example.org"
    _ok(api.post(f"{AUTH}/register", json={"email": email, "password": PASSWORD, **invitation}))
    return log_in(api, email)


def log_in(api: httpx2.Client, email: str, password: str = PASSWORD) -> Account:
    told = _ok(api.post(f"{AUTH}/login", json={"email": email, "password": password})).json()
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    return Account(email, told["person_id"], told["organization_id"], headers)


def _invite(api: httpx2.Client, owner: Account) -> str:
    path = f"{AUTH}/organizations/{owner.organization_id}/invitations"
    token: str = _ok(api.post(path, json={"roles": ["learner"]}, headers=owner.headers)).json()["token"]
    return token


def _ok(answer: httpx2.Response) -> httpx2.Response:
    if not answer.is_success:
        raise SystemExit(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
    return answer


def table(found: dict[str, dict[str, float]], *, count: int) -> Table:
    shown = Table(f"refused after ({count} each)", "median", f"longest (limit {LIMIT_SECONDS:.0f} s)")
    for name, one in found.items():
        shown.add_row(name, f"{one['median']:.3f} s", f"{one['max']:.3f} s")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.revocations", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    parser.add_argument("--count", type=int, default=20, help="how often each is measured (20)")
    wanted = parser.parse_args()
    with running_platform() as bench:
        found = measure(bench, count=wanted.count)
    if wanted.json:
        print(json.dumps(found))
    else:
        Console().print(table(found, count=wanted.count))


if __name__ == "__main__":
    main()
