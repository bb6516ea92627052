"""The audit log, which the service's role may add to and read, and never change."""

from alembic import op

revision = "0006"
down_revision = "0005"

_TABLE = """
CREATE TABLE audit_records (
    chain uuid NOT NULL,
    number bigint NOT NULL CONSTRAINT ck_audit_records_number CHECK (number > 0),
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    body text NOT NULL,
    action text NOT NULL GENERATED ALWAYS AS (body::jsonb ->> 'action') STORED,
    target text GENERATED ALWAYS AS (body::jsonb ->> 'target') STORED,
    person_id uuid GENERATED ALWAYS AS ((body::jsonb ->> 'person_id')::uuid) STORED,
    subject_id uuid GENERATED ALWAYS AS ((body::jsonb ->> 'subject_id')::uuid) STORED,
    CONSTRAINT pk_audit_records PRIMARY KEY (chain, number)
)"""
_INDEXES = (
    "CREATE INDEX ix_audit_records_person_id ON audit_records (person_id, chain, number)",
    "CREATE INDEX ix_audit_records_subject_id ON audit_records (subject_id) WHERE subject_id IS NOT NULL",
    "CREATE INDEX ix_audit_records_action ON audit_records (chain, action, number)",
    "CREATE INDEX ix_audit_records_target ON audit_records (chain, target, number)",
    "CREATE INDEX ix_audit_records_recorded_at ON audit_records (chain, recorded_at)",
)
# The database grants the service's role all four rights on each new table; whoever that role is, two are taken back.
_APPEND_ONLY = """
DO $$
DECLARE
    role text;
BEGIN
    FOR role IN
        SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = 'public' AND table_name = 'audit_records' AND grantee <> current_user
    LOOP
        EXECUTE format('REVOKE ALL ON audit_records FROM %I', role);
        EXECUTE format('GRANT SELECT, INSERT ON audit_records TO %I', role);
    END LOOP;
END $$"""


def upgrade() -> None:
    for statement in (_TABLE, *_INDEXES, _APPEND_ONLY):
        op.execute(statement)
