"""What tests of every service use; the pytest plug-in is `stoa_common.testing.plugin`."""

from stoa_common.testing.consuming import running
from stoa_common.testing.delivery import Delivery, an_envelope
from stoa_common.testing.identities import Identities

__all__ = ["Delivery", "Identities", "an_envelope", "running"]
