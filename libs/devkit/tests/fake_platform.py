"""`stoa` over a table of two made-up services, as a program: what the supervisor does does not depend on ours."""

import sys
from pathlib import Path

from stoa_devkit.cli import main
from stoa_devkit.services import Spec

SERVICE = (sys.executable, str(Path(__file__).with_name("fake_service.py")))

if __name__ == "__main__":
    main(
        (
            Spec("content", program=(*SERVICE, "content"), has_database=False),
            Spec("gateway", program=(*SERVICE, "gateway"), roles=("api",), has_database=False),
        )
    )
