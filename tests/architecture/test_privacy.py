"""Whoever asks to be forgotten is found: every table with a person's column is registered in stoa_common.privacy."""

import json
import re
import subprocess
import sys

import pytest

from .conftest import ROOT, SERVICES, told

PERSON_COLUMN = re.compile(r"^(.*_)?person_id$|^.*_by$|^user_id$|^email$")
#: Shared tables that stoa_common.privacy.erase covers for every service by itself.
COVERED = frozenset({"erasures_due", "idempotency_keys", "jobs", "personal_keys"})
# Each service in a Python of its own: two services may well name a table alike.
LIST_TABLES = """
import importlib, json, pkgutil, sys
service = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(service.__path__, f"{sys.argv[1]}."):
    if ".migrations" not in module.name:
        importlib.import_module(module.name)
from sqlalchemy import Table
from stoa_common.database import Base
from stoa_common.privacy import registry
loose = [value for module in list(sys.modules.values()) if getattr(module, "__name__", "").startswith("stoa_")
         for value in vars(module).values() if isinstance(value, Table)]
tables = {table.name: [column.name for column in table.columns] for table in [*Base.metadata.tables.values(), *loose]}
json.dump({"tables": tables, "registered": list(registry.tables)}, sys.stdout)
"""


def people_in(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """The tables that hold people, with the columns that say so."""
    found = {name: [c for c in columns if PERSON_COLUMN.match(c)] for name, columns in tables.items()}
    return {name: columns for name, columns in found.items() if columns and name not in COVERED}


@pytest.mark.parametrize("service", SERVICES)
def test_every_table_with_a_person_is_registered(service: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LIST_TABLES, f"stoa_{service}"], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    listed = json.loads(ran.stdout)

    people = people_in(listed["tables"])
    found = [f"{service}: {name} ({', '.join(c)})" for name, c in people.items() if name not in listed["registered"]]

    instead = (
        "Register each with personal_table(Model, person=...) beside its model, with how it is exported and erased."
    )
    assert not found, told(found, instead=instead)


def test_columns_that_hold_people_are_seen() -> None:
    tables = {
        "a": ["id", "person_id"],
        "b": ["created_by"],
        "c": ["learner_person_id"],
        "d": ["id", "title"],
        "jobs": ["person_id"],
    }

    assert set(people_in(tables)) == {"a", "b", "c"}
