"""The tables of this service in PostgreSQL: the shared ones alone. What happened lies in the warehouse."""

from stoa_common.database import Base

metadata = Base.metadata
