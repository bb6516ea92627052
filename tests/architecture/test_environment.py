"""`.env.example` names every variable that a service reads, and none that nobody reads."""

import importlib
import re
from pathlib import Path

import pytest

from stoa_common.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "auth", "content", "ai", "analytics", "feed")


def _settings(service: str) -> type[ServiceSettings]:
    module = importlib.import_module(f"stoa_{service}.settings")
    found: type[ServiceSettings] = module.Settings
    return found


def _variables(service: str) -> set[str]:
    kind = _settings(service)
    prefix = kind.model_config.get("env_prefix", "")
    return {str(f.validation_alias or f"{prefix}{name}".upper()) for name, f in kind.model_fields.items()}


def _listed() -> set[str]:
    return set(re.findall(r"^#?\s*([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_of_a_service_is_in_the_example(service: str) -> None:
    ours = _variables(service)

    missing = {name for name in ours if name not in _listed() and not _is_generic(name, service)}

    assert not missing, f"Describe {sorted(missing)} in .env.example."


def _is_generic(name: str, service: str) -> bool:
    """The example lists the variables that every service has once, for a service named <SERVICE>."""
    generic = name.replace(f"{service.upper()}_", "<SERVICE>_", 1)
    return generic in (ROOT / ".env.example").read_text()
