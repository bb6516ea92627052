"""docker-compose.yml keeps what it promises, as far as reading shows: health, tags, and secrets that are files only."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from stoa_auth.settings import CALLING_SERVICES

from .conftest import ROOT, SERVICES
from .test_environment import _variables

COMPOSE = ROOT / "docker-compose.yml"
PARTS: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
STEPS = {name for name, part in PARTS.items() if part["restart"] == "no"}
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|CREDENTIAL|(DATABASE|REDIS|CLICKHOUSE|ADMIN)_URL")
MAKE_SECRETS = ROOT / "deploy/compose/make_secrets.py"


def _make_secrets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_secrets", MAKE_SECRETS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run_make_secrets(folder: Path) -> dict[str, str]:
    """Run it as the one-shot part does, with ourselves as the services' user; what each file says."""
    owner = str(folder.stat().st_uid)
    subprocess.run([sys.executable, str(MAKE_SECRETS), str(folder), "--owner", owner], check=True)
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def _environment(part: str) -> dict[str, str]:
    return {name: str(value) for name, value in PARTS[part].get("environment", {}).items()}


def _folder_of(part: str) -> str | None:
    """The folder of the volume of secrets that a part mounts."""
    mounts = [mount for mount in PARTS[part].get("volumes", []) if isinstance(mount, dict)]
    return next((mount["volume"]["subpath"] for mount in mounts if mount["source"] == "secrets"), None)


@pytest.mark.parametrize("part", sorted(PARTS.keys() - STEPS))
def test_every_part_that_stays_says_whether_it_is_healthy(part: str) -> None:
    from_our_image = "build" in PARTS[part] and "HEALTHCHECK" in (ROOT / "deploy/Dockerfile").read_text()

    assert from_our_image or PARTS[part].get("healthcheck", {}).get("test"), f"Give {part} a healthcheck."


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_image_has_a_tag(part: str) -> None:
    _, _, tag = PARTS[part]["image"].partition(":")

    assert tag not in {"", "latest"}, f"Write a version after {part}'s image."


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_secret_is_a_file(part: str) -> None:
    secret = {name: value for name, value in _environment(part).items() if SECRET.search(name)}
    in_the_clear = {name for name, value in secret.items() if not value.startswith("/run/secrets/")}

    assert not in_the_clear, f"Give {sorted(in_the_clear)} of {part} as <NAME>_FILE."


def test_no_file_of_compose_holds_a_credential() -> None:
    texts = [COMPOSE, *ROOT.glob("deploy/compose/*.yml")]

    found = [path.name for path in texts if re.search(r"://[^/\s:]*:[^@\s/$]+@", path.read_text())]

    assert not found, f"{found}: an address with a password belongs into deploy/compose/make_secrets.py."


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_secret_file_that_a_part_names_is_made_for_it(part: str, tmp_path: Path) -> None:
    drawn = _make_secrets()
    made = drawn.folders(drawn.Drawn(tmp_path / "made.json"))
    named = {value for value in _environment(part).values() if value.startswith("/run/secrets/")}

    missing = {value for value in named if Path(value).name not in made.get(_folder_of(part) or "", {})}

    assert not missing, f"Let deploy/compose/make_secrets.py make {sorted(missing)} for {part}."


def test_no_two_parts_share_a_folder_of_secrets() -> None:
    folders = [folder for part in PARTS if (folder := _folder_of(part))]

    assert sorted(folders) == sorted(set(folders))


def test_only_the_gateway_can_be_reached_and_only_from_this_machine() -> None:
    published = {part: PARTS[part]["ports"] for part in PARTS if "ports" in PARTS[part]}

    assert list(published) == ["gateway"]
    assert all(port.startswith("127.0.0.1:") for port in published["gateway"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_only_what_it_reads(service: str) -> None:
    told = {name.removesuffix("_FILE") for name in _environment(service)}
    # All services get the one block of shared variables.
    shared = {f"{each.upper()}_URL" for each in SERVICES}

    assert not told - _variables(service) - shared, f"{service} reads no such variable."


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_waits_for_its_migration(service: str) -> None:
    migrates = f"{service}-migrate" in PARTS

    assert migrates == (service != "gateway")
    assert not migrates or f"{service}-migrate" in PARTS[service]["depends_on"]


@pytest.mark.parametrize("service", sorted(CALLING_SERVICES))
def test_auth_knows_each_service_by_the_secret_that_it_shows(service: str, tmp_path: Path) -> None:
    drawn = _make_secrets()
    made = drawn.folders(drawn.Drawn(tmp_path / "made.json"))
    shown, known = f"{service.upper()}_CLIENT_SECRET_FILE", f"AUTH_{service.upper()}_CLIENT_SECRET_FILE"

    files = [Path(_environment(part)[name]).name for part, name in ((service, shown), ("auth", known))]

    assert made[service][files[0]] == made["auth"][files[1]]
    others = [folder for folder in made if folder not in {service, "auth"}]
    assert not any(made[service][files[0]] in made[other].values() for other in others)


def test_every_module_that_a_step_runs_is_there() -> None:
    entrypoints = [PARTS[step].get("entrypoint", []) for step in STEPS]
    modules = [entrypoint[2] for entrypoint in entrypoints if entrypoint[:2] == ["python", "-m"]]

    assert modules
    assert all(importlib.util.find_spec(module) for module in modules)


def test_secrets_are_drawn_once(tmp_path: Path) -> None:
    first = _run_make_secrets(tmp_path)

    assert _run_make_secrets(tmp_path) == first


def test_two_platforms_share_no_secret(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()

    assert not set(_secrets_of(one)) & set(_secrets_of(other))


def _secrets_of(folder: Path) -> list[str]:
    return re.findall(r"[0-9a-f]{48}", "".join(_run_make_secrets(folder).values()))


def test_a_services_secrets_are_its_users_alone(tmp_path: Path) -> None:
    _run_make_secrets(tmp_path)

    ours = [path for service in SERVICES for path in tmp_path.glob(f"{service}*/*")]
    assert ours
    assert all(path.stat().st_mode & 0o077 == 0 for path in [*ours, tmp_path / "made.json"])


@pytest.mark.parametrize("override", sorted(ROOT.glob("deploy/compose/*.yml"), key=str), ids=lambda path: path.stem)
def test_an_override_speaks_of_parts_that_there_are(override: Path) -> None:
    text = re.sub(r"!(reset|override)", "", override.read_text())

    assert set(yaml.safe_load(text)["services"]) <= set(PARTS)
