"""An environment that holds one service, or one public library, and what it declares, and nothing else."""

import subprocess
import sys
from pathlib import Path

from stoa_devkit.trouble import Trouble


def environment_of(service: str, root: Path) -> Path:
    """The Python of `.venv-<service>`, which is made anew when the lock or a declaration has changed.

    Raises Trouble where a package is missing.
    """
    place = root / f".venv-{service}"
    stamp = place / ".installed"
    if not stamp.exists() or stamp.stat().st_mtime < max(path.stat().st_mtime for path in _declarations(root)):
        _make(place, service, root)
        stamp.touch()
    return place / "bin" / "python"


def _declarations(root: Path) -> list[Path]:
    return [root / "requirements.lock", root / "overrides.txt", *root.glob("*/*/pyproject.toml")]


def _make(place: Path, service: str, root: Path) -> None:
    uv = str(Path(sys.prefix) / "bin" / "uv")
    # The lock is the constraint, so that a service alone has the versions that it has beside the others.
    locked = ["--constraint", "requirements.lock", "--override", "overrides.txt"]
    _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)], root)
    install = [uv, "pip", "install", "--quiet", "--python", str(place / "bin" / "python")]
    _run([*install, *locked, *_packages(service, root)], root)


def _packages(name: str, root: Path) -> list[str]:
    if (root / "libs" / name).is_dir():
        return ["-e", f"libs/{name}[testing]"]
    return ["-e", "libs/events", "-e", "libs/common[testing]", "-e", f"services/{name}[testing]"]


def _run(command: list[str], root: Path) -> None:
    ran = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True)  # noqa: S603
    if ran.returncode != 0:
        raise Trouble(f"`{' '.join(command[1:3])}` failed: {ran.stderr.strip()}")
