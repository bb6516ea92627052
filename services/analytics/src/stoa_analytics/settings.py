"""Analytics' configuration."""

from pathlib import Path

from pydantic import Field, SecretStr

from stoa_common.settings import ServiceSettings, shared


class Settings(ServiceSettings, service="analytics"):
    clickhouse_url: SecretStr | None = shared("CLICKHOUSE_URL", None)
    """`http://user:password@host:8123/database`; without it the engine runs inside this process."""

    chdb_path: Path = Field(Path(".stoa/warehouse"), description="The embedded engine's folder; one process owns it.")
    warehouse_threads: int = Field(4, ge=1, le=32, description="Statements that run at once, one handle each.")
    warehouse_memory_mb: int = Field(800, ge=256, description="What the embedded engine may take before it refuses.")
    query_timeout_seconds: int = Field(10, ge=1, description="A dashboard's query is given up after this.")
