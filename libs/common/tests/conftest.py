import sys
from pathlib import Path

import pytest

from stoa_common.service import Service

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def service() -> Service:
    from stoa_sample.service import service

    return service
