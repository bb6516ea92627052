"""A change to a parked event: from options, or made by hand in an editor."""

import base64
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stoa_devkit.demo.client import JSON
from stoa_devkit.trouble import Trouble


def of_options(data: Path | None, headers: Sequence[str]) -> JSON:
    """The change that the options ask for; empty where they ask for none. Raises Trouble."""
    changed: JSON = {"headers": dict(map(_header, headers))} if headers else {}
    return changed | (_value(_read(data)) if data is not None else {})


def _header(text: str) -> tuple[str, str | None]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise Trouble(f"--header is {text!r}; write NAME=VALUE, or NAME= to remove it.")
    return name, value or None


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise Trouble(f"{path} can't be read: {error.strerror}.") from None


def _value(content: bytes) -> JSON:
    """As JSON where it is; as it is where not."""
    try:
        return {"data": json.loads(content)}
    except ValueError:
        return {"data_base64": base64.b64encode(content).decode()}


def by_hand(item: JSON) -> JSON:
    """Let the person edit headers and data; what they changed, or nothing. Raises Trouble."""
    kept = {"headers": dict(item["headers"]), **_shown(item)}
    edited = _edited(json.dumps(kept, indent=2, ensure_ascii=False))
    if not isinstance(edited, dict) or not isinstance(edited.get("headers"), dict):
        raise Trouble("Keep the form of the document: an object with `headers` and the data.")
    changes = {name: value for name, value in edited["headers"].items() if kept["headers"].get(name) != value}
    removed = {name: None for name in kept["headers"] if name not in edited["headers"]}
    changed: JSON = {"headers": changes | removed} if changes or removed else {}
    return changed | {name: edited[name] for name in ("data", "data_base64") if edited.get(name) != kept.get(name)}


def _shown(item: JSON) -> JSON:
    return {"data_base64": item["data_base64"]} if item["data_base64"] is not None else {"data": item["data"]}


def _edited(text: str) -> Any:
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="stoa-") as folder:
        # The folder is the person's alone: what is in it may be personal.
        path = Path(folder) / "event.json"
        path.write_text(text)
        try:
            subprocess.run([*editor, str(path)], check=True)  # noqa: S603 - the person's own editor
        except (OSError, subprocess.CalledProcessError) as error:
            raise Trouble(f"The editor {editor[0]} did not end well ({error}); set EDITOR, or use --data.") from None
        try:
            return json.loads(path.read_text())
        except ValueError as error:
            raise Trouble(f"What you saved is not JSON: {error}. Nothing was changed.") from None
