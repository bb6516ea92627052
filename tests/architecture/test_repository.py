"""What lies in the repository is for everybody: no address of somebody's package registry, no secret."""

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from .conftest import ROOT, told

# Written in halves, so that this file does not hold what it looks for.
PUBLIC_REGISTRIES = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "repo1.maven" + ".org",
    "repo.maven.ap" + "ache.org",
)
INDEX_VARIABLES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "NPM_CONFIG_REGISTRY",
)
PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
BINARY = frozenset({".png", ".jpg", ".ico", ".woff2", ".gz", ".zip", ".onnx"})


def kept_files() -> list[Path]:
    """What git keeps, or would keep with the next `git add`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def registries() -> set[bytes]:
    """Hosts that serve packages: the public ones, and whichever this machine is set to."""
    own = {urlsplit(url).hostname for name in INDEX_VARIABLES for url in os.environ.get(name, "").split()}
    return {host.encode() for host in {*PUBLIC_REGISTRIES, *own} if host}


def test_no_file_holds_the_address_of_a_package_registry() -> None:
    hosts = registries()
    texts = [path for path in kept_files() if path.suffix not in BINARY]
    found = [
        f"{path.relative_to(ROOT)}: {host.decode()}" for path in texts for host in hosts if host in path.read_bytes()
    ]

    instead = "Leave the registry to each machine's settings; `make lock` writes versions and hashes only."
    assert not found, told(found, instead=instead)


def test_no_file_holds_a_private_key() -> None:
    found = [str(path.relative_to(ROOT)) for path in kept_files() if PRIVATE_KEY.search(path.read_bytes())]

    assert not found, told(found, instead="Make secrets at random on first start; tests make theirs as they run.")
