"""Credit notes of every refund: what reverses one, and never more than was invoiced

Revision ID: kernel_0036_credit_notes
"""

from alembic import op

revision = "kernel_0036_credit_notes"
down_revision = "kernel_0035_sent_to"
branch_labels = None
depends_on = None

# The order's row is locked first, so that of two credit notes at once the second sees the first.
CHECK_CREDIT = """
CREATE FUNCTION check_credit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    invoiced bigint;
    credited bigint;
BEGIN
    SELECT total INTO invoiced FROM orders WHERE number = NEW.order_number FOR UPDATE;
    SELECT COALESCE(sum((facts ->> 'total')::bigint), 0) INTO credited FROM document
        WHERE order_number = NEW.order_number AND kind IN ('credit_note', 'credit_reversal');
    IF credited + (NEW.facts ->> 'total')::bigint NOT BETWEEN 0 AND invoiced THEN
        RAISE EXCEPTION '% credits %: of the % of order % are % credited.', NEW.number,
            NEW.facts ->> 'total', invoiced, NEW.order_number, credited
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.drop_constraint(op.f("ck_document_kind"), "document")
    op.create_check_constraint(
        op.f("ck_document_kind"),
        "document",
        "kind IN ('invoice', 'credit_note', 'credit_reversal')",
    )
    op.execute(CHECK_CREDIT)
    op.execute(
        "CREATE TRIGGER within_invoiced BEFORE INSERT ON document FOR EACH ROW "
        "WHEN (NEW.kind <> 'invoice') EXECUTE FUNCTION check_credit()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER within_invoiced ON document")
    op.execute("DROP FUNCTION check_credit()")
    op.drop_constraint(op.f("ck_document_kind"), "document")
    # Documents are only added to: those of the newer kind stay.
    op.create_check_constraint(
        op.f("ck_document_kind"),
        "document",
        "kind IN ('invoice', 'credit_note')",
        postgresql_not_valid=True,
    )
