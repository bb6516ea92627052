"""Format, lint, types, import rules and contracts: the checks that need no server."""

import subprocess
import sys
from pathlib import Path

from rich.console import Console

console = Console()


def run(root: Path) -> list[str]:
    """Run all of them, also after one failed; the names of those that failed."""
    return [name for name, command in _commands(root).items() if not _passes(name, command, root)]


def _commands(root: Path) -> dict[str, list[str]]:
    sources = sorted(str(path.relative_to(root)) for path in root.glob("*/*/src") if path.is_dir())
    return {
        "format": [_tool("ruff"), "format", "--check", "--quiet", "."],
        "lint": [_tool("ruff"), "check", "--quiet", "."],
        "types": [_tool("mypy"), "--strict", "--no-error-summary", *sources],
        "import rules": [_tool("lint-imports"), "--no-logo"],
        "contracts": [sys.executable, "-m", "stoa_devkit", "contracts", "check"],
    }


def _passes(name: str, command: list[str], root: Path) -> bool:
    ran = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True)  # noqa: S603
    passed = ran.returncode == 0
    console.print(f"{name:14} {'[green]passed[/]' if passed else '[red]failed[/]'}", highlight=False)
    if not passed:
        console.print(ran.stdout + ran.stderr, markup=False, highlight=False, soft_wrap=True)
    return passed


def _tool(name: str) -> str:
    return str(Path(sys.prefix) / "bin" / name)
