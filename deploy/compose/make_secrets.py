"""Make the secrets of a composed platform: at random, once, each part's in a folder that nobody else mounts.

    python make_secrets.py FOLDER [--owner UID]

`FOLDER/made.json` keeps what was drawn; the folders are written from it on every start. What a service of ours may read
belongs to its user alone. Other images run as users that we don't know: their files may be read by every user inside
the one container that mounts them.
"""

import argparse
import json
import os
import secrets
from pathlib import Path

Folders = dict[str, dict[str, str]]

WITH_DATABASE = ("auth", "content", "ai", "analytics", "feed")
CALLING = WITH_DATABASE[1:]
"""Who may ask auth for tokens of those they work for, each by a secret of its own."""
OTHERS = ("postgres", "valkey", "clickhouse", "seaweedfs")
SERVICES_UID = 10001
GIVEN = Path("/run/given/openai-api-key")
"""The one secret that can't be drawn; empty where nobody gives it."""


class Drawn:
    """Secrets by name: kept once drawn."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._made: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def __getitem__(self, name: str) -> str:
        return self._made.setdefault(name, secrets.token_hex(24))

    def keep(self) -> None:
        """Write them in one step: half a file would lock everybody out of the data."""
        draft = self._path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(self._made, indent=1))
        draft.replace(self._path)


def folders(drawn: Drawn) -> Folders:
    """Folder -> file -> content."""
    redis_url = f"redis://:{drawn['valkey']}@valkey:6379/0"
    made: Folders = {
        "postgres": {"password": drawn["postgres"]},
        "valkey": {"valkey.conf": f"requirepass {drawn['valkey']}\n", "password": drawn["valkey"]},
        "clickhouse": {"password": drawn["clickhouse"]},
        "seaweedfs": {"s3.json": _identities(drawn)},
        "provision": {"admin-url": f"postgresql://postgres:{drawn['postgres']}@postgres:5432/postgres"},
        "gateway": {"redis-url": redis_url},
    }
    for service in WITH_DATABASE:
        rows, owner = _database_url(service, service, drawn), _database_url(f"{service}_migrate", service, drawn)
        made[service] = {"database-url": rows, "redis-url": redis_url}
        made[f"{service}-migrate"] = {"migrate-database-url": owner}
        made["provision"] |= {f"{service}-database-url": rows, f"{service}-migrate-database-url": owner}
    return _with_own(made, drawn)


def _with_own(made: Folders, drawn: Drawn) -> Folders:
    """What only one service has. Its settings ask for it when it migrates, too."""
    for folder in ("auth", "auth-migrate"):
        made[folder]["keys-secret"] = drawn["auth-keys"]
    for folder in ("feed", "feed-migrate"):
        made[folder]["webhook-secret"] = drawn["feed-webhooks"]
    for folder in ("analytics", "analytics-migrate"):
        made[folder]["clickhouse-url"] = f"http://stoa:{drawn['clickhouse']}@clickhouse:8123/stoa"
    made["auth"]["operator-password"] = drawn["operator"]
    for service in CALLING:
        made[service]["client-secret"] = made["auth"][f"{service}-client-secret"] = drawn[f"{service}-client"]
    made["content"] |= {
        "objects-access-key-id": drawn["objects-access-key-id"],
        "objects-secret-access-key": drawn["objects-secret-access-key"],
    }
    made["ai"]["openai-api-key"] = GIVEN.read_text().strip() if GIVEN.exists() else ""
    return made


def _database_url(role: str, database: str, drawn: Drawn) -> str:
    return f"postgresql://{role}:{drawn[f'postgres-{role}']}@postgres:5432/{database}"


def _identities(drawn: Drawn) -> str:
    credentials = {"accessKey": drawn["objects-access-key-id"], "secretKey": drawn["objects-secret-access-key"]}
    actions = ["Read:content", "Write:content", "List:content", "Tagging:content"]
    return json.dumps({"identities": [{"name": "content", "credentials": [credentials], "actions": actions}]})


def write(folder: Path, files: dict[str, str], *, owner: int | None) -> None:
    """Each file in one step, since a part that restarts may be reading it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, content in files.items():
        draft = folder / f".{name}"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(content)
        _hand_over(draft, 0o400, owner)
        draft.replace(folder / name)
    _hand_over(folder, 0o500, owner)


def _hand_over(path: Path, mode: int, owner: int | None) -> None:
    if owner is None:
        path.chmod(mode | mode >> 3 | mode >> 6)
        return
    path.chmod(mode)
    os.chown(path, owner, -1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the secrets of a composed platform.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--owner", type=int, default=SERVICES_UID, help="the user of our services")
    arguments = parser.parse_args()
    drawn = Drawn(arguments.folder / "made.json")
    made = folders(drawn)
    drawn.keep()
    for name, files in made.items():
        write(arguments.folder / name, files, owner=None if name in OTHERS else arguments.owner)


if __name__ == "__main__":
    main()
