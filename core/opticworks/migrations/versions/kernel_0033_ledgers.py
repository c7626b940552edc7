"""Ledgers are not emptied either, facts stay as they were told, no more is paid back than came

Revision ID: kernel_0033_ledgers
"""

from alembic import op

revision = "kernel_0033_ledgers"
down_revision = "kernel_0032_parts_left_out"
branch_labels = None
depends_on = None

# Triggers for each row don't see TRUNCATE. One that reaches these by CASCADE is refused, too.
NEVER_EMPTIED = (
    *("stock_entry", "payment_event", "refund", "dispute", "order_line", "tracking_event"),
    *("event", "message_event", "audit_entry", "document"),
    *("goods_return", "goods_return_line", "goods_return_event"),
    *("withdrawal", "return_label_file"),
)

# What the bank of a refund sent back ("refund_failed") may be paid back again. Chargebacks are
# not counted: a bank takes money that was paid back before, too. The payment's row is locked
# first, so that of two at once the second sees the first.
CHECK_PAID_BACK = """
CREATE FUNCTION check_paid_back() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    captured bigint;
    refunded bigint;
BEGIN
    PERFORM 1 FROM payment WHERE id = NEW.payment_id FOR UPDATE;
    SELECT COALESCE(sum(amount) FILTER (WHERE kind = 'captured'), 0),
           COALESCE(-sum(amount) FILTER (WHERE kind IN ('refunded', 'refund_failed')), 0)
        INTO captured, refunded FROM payment_event WHERE payment_id = NEW.payment_id;
    IF refunded > captured THEN
        RAISE EXCEPTION 'With this, % of the % captured of payment % would be paid back.',
            refunded, captured, NEW.payment_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$
"""

SIGNS = """
ALTER TABLE payment_event ADD CONSTRAINT ck_payment_event_sign CHECK (
    CASE kind
        WHEN 'captured' THEN amount >= 0
        WHEN 'refund_failed' THEN amount >= 0
        WHEN 'refunded' THEN amount <= 0
        WHEN 'dispute_closed' THEN amount <= 0
        ELSE amount = 0
    END
)
"""


def upgrade() -> None:
    for table in NEVER_EMPTIED:
        op.execute(
            f"CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON event "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(CHECK_PAID_BACK)
    op.execute(
        "CREATE CONSTRAINT TRIGGER within_captured AFTER INSERT ON payment_event "
        "NOT DEFERRABLE FOR EACH ROW WHEN (NEW.amount < 0) EXECUTE FUNCTION check_paid_back()"
    )
    op.execute(SIGNS)


def downgrade() -> None:
    op.execute("ALTER TABLE payment_event DROP CONSTRAINT ck_payment_event_sign")
    op.execute("DROP TRIGGER within_captured ON payment_event")
    op.execute("DROP FUNCTION check_paid_back()")
    op.execute("DROP TRIGGER append_only ON event")
    for table in NEVER_EMPTIED:
        op.execute(f"DROP TRIGGER never_emptied ON {table}")
