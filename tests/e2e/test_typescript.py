"""A client that is generated from the merged document: it compiles with `tsc --strict`, and works."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest
from conftest import Platform
from world import PASSWORD, World

SOURCES = Path(__file__).parent / "typescript"
STEP_SECONDS = 300


def run(*command: str, folder: Path, **variables: str) -> str:
    """What the command prints; fails with all of it."""
    environment = os.environ | variables
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=STEP_SECONDS, check=False
    )
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout[-4000:]}{ran.stderr[-4000:]}"
    return ran.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the client, with the packages that its lock names."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not here: install Node.js 20 or later.")
    folder = tmp_path_factory.mktemp("typescript")
    for name in ("main.ts", "package.json", "package-lock.json", "tsconfig.json"):
        shutil.copy(SOURCES / name, folder / name)
    run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", folder=folder)
    return folder


@pytest.mark.slow
def test_a_generated_client_compiles_and_works(
    project: Path, platform: Platform, api: httpx2.Client, world: World
) -> None:
    (project / "openapi.json").write_text(api.get("/openapi.json").text)
    run("npx", "openapi-typescript", "openapi.json", "--output", "api.d.ts", folder=project)
    run("npx", "tsc", folder=project)
    account = {"EMAIL": world.owner.email, "PASSWORD": PASSWORD, "COURSE_ID": world.ids["course_id"]}

    said = json.loads(run("node", "made/main.js", folder=project, GATEWAY=platform.gateway, **account))

    assert world.ids["course_id"] in said["courses"]
    assert said["lessons"] == 2
    assert said["missing"] == [404, "urn:stoa:problem:course-not-found"]
