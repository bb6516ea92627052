"""What the ai service reads from its environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from stoa_common.settings import ServiceSettings, shared


class Settings(ServiceSettings, service="ai"):
    model_dir: Path = Field(Path("~/.cache/stoa/models"), description="Where the embedding model is kept once built.")
    embedding_threads: int = Field(2, ge=1, description="Texts embedded at once; each takes a core.")

    openai_base_url: str = shared("OPENAI_BASE_URL", "")
    openai_api_key: SecretStr = shared("OPENAI_API_KEY", SecretStr(""))
    openai_model: str = shared("OPENAI_MODEL", "gpt-5-mini")
    max_output_tokens: int = Field(2000, ge=1, description="The most that a model may write for one answer.")
    provider_stall_seconds: float = Field(30, gt=0, description="The longest silence of a model before it is given up.")
    provider_total_seconds: float = Field(120, gt=0, description="The longest that one answer may take.")
    allowed_link_hosts: str = Field("", description="Hosts, parted by spaces, to which an answer may link by https.")

    @property
    def has_model(self) -> bool:
        return bool(self.openai_base_url or self.openai_api_key.get_secret_value())
