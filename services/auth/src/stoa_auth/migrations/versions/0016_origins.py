"""Organizations list the origins whose pages may ask for their data from a browser."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "organization_origins",
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("origins", ARRAY(sa.Text), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name="pk_organization_origins"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name="fk_organization_origins_organization_id"
        ),
    )
