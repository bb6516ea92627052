"""Content's settings."""

from pydantic import Field, SecretStr

from stoa_common.settings import ServiceSettings


class Settings(ServiceSettings, service="content"):
    objects_url: str = Field("", description="Where uploads are kept: file:///folder or s3://bucket.")
    objects_endpoint: str = Field("", description="The address of an S3 server other than Amazon's.")
    objects_access_key_id: str = ""
    objects_secret_access_key: SecretStr | None = None

    @property
    def objects_options(self) -> dict[str, str]:
        """What an S3 store wants to know beyond its address."""
        secret = self.objects_secret_access_key
        options = {
            "endpoint": self.objects_endpoint,
            "access_key_id": self.objects_access_key_id,
            "secret_access_key": secret.get_secret_value() if secret else "",
            # A server in one's own network has no regions.
            "region": "us-east-1" if self.objects_endpoint else "",
        }
        return {name: value for name, value in options.items() if value}
