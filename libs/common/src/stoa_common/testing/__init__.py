"""What tests of every service use; the pytest plug-in is `stoa_common.testing.plugin`."""

from stoa_common.testing.delivery import Delivery
from stoa_common.testing.identities import Identities

__all__ = ["Delivery", "Identities"]
