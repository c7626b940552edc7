"""A fact becomes the mails it deserves: once each, rendered once, sent once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from opticworks import events, jobs
from opticworks.contracts import DeliveryEvent, MessageDraft, ProviderError
from opticworks.jobs.testing import drain, run_task
from opticworks.notifications import service
from opticworks.notifications.models import StoredEvent
from opticworks.testing.fakes import FakeMailer, fake_plugin


def announce(shop, kind=events.ORDER_PLACED, subject="OW-1", **data):
    with shop.unit() as db:
        service.emit(db, kind, subject, data)
        return db.scalar(text("SELECT max(id) FROM event"))


def messages(shop, subject="OW-1"):
    with shop.unit() as db:
        found = service.messages_about(db, subject)
        db.expunge_all()
        return found


def test_an_order_that_is_placed_is_confirmed_by_mail(shop, mailer):
    announce(shop)
    drain(shop)
    (mail,) = mailer.outbox
    assert mail.to == "jo@example.com"
    assert mail.sender == "OpticWorks <shop@optic.example>"
    assert mail.subject == "Your order OW-1"
    (message,) = messages(shop)
    assert (message.status, message.tries, message.ref) == ("sent", 1, "mail_000001")
    assert mail.message_id == message.message_id == f"<{message.public_id}@optic.example>"
    assert message.sent_at is not None


def test_the_confirmation_has_items_totals_instructions_link_and_address(shop, mailer):
    announce(shop)
    drain(shop)
    (mail,) = mailer.outbox
    for part in (mail.html.replace("&lt;", "<").replace("&gt;", ">"), mail.text):
        for fact in (
            "RS-1 <Presence> Sensor",
            "Pro / Graphite",
            "2 × $129.00",
            "$258.00",
            "$5.00",
            "$263.00",
            "DE02 1203",
            "May 7, 2026",
            "http://127.0.0.1:6670/orders/token-of-OW-1",
            "1 Main St",
            "San Francisco, CA 94104",
            "United States",
        ):
            assert fact in part
    assert "<Presence>" not in mail.html
    assert "display: none" not in mail.text


def test_a_paid_order_is_not_asked_to_pay(open_shop, mailer):
    shop = open_shop([mailer], payment_status="paid")
    announce(shop)
    drain(shop)
    assert "DE02 1203" not in mailer.outbox[0].text
    assert "transfer" not in mailer.outbox[0].text.replace("Payment: Bank transfer", "")


@pytest.mark.parametrize(
    ("kind", "data", "subject", "said"),
    [
        (events.PAYMENT_PAID, {}, "We received your payment for order OW-1", "$263.00"),
        (
            events.SHIPMENT_SHIPPED,
            {"shipment": "parcel-1"},
            "Your order OW-1 is on its way",
            "https://ups.example/1Z999",
        ),
        (
            events.ORDER_CANCELED,
            {"reason": "x"},
            "Your order OW-1 was canceled",
            "not been charged",
        ),
    ],
)
def test_each_fact_of_an_order_has_its_mail(open_shop, mailer, kind, data, subject, said):
    unpaid = {"payment_status": "unpaid"} if kind == events.ORDER_CANCELED else {}
    shop = open_shop([mailer], **unpaid)
    announce(shop, kind, **data)
    drain(shop)
    (mail,) = mailer.outbox
    assert mail.subject == subject
    assert said in mail.text


def test_a_part_of_an_order_is_announced_as_a_part(open_shop, mailer):
    shop = open_shop([mailer], fulfilment_status="part_shipped")
    announce(shop, events.SHIPMENT_SHIPPED, shipment="parcel-1")
    drain(shop)
    (mail,) = mailer.outbox
    assert mail.subject == "Part of your order OW-1 is on its way"
    assert "Still to come" in mail.text


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (events.PAYMENT_PAID, {"at_once": True}),
        (events.SHIPMENT_SHIPPED, {"shipment": "of another order"}),
        (events.ORDER_COMPLETED, {}),
    ],
)
def test_facts_without_news_for_the_customer_are_not_mailed(shop, mailer, kind, data):
    announce(shop, kind, **data)
    drain(shop)
    assert mailer.outbox == []


def test_a_fact_that_is_rolled_back_is_never_told(shop, mailer):
    def change_the_mind():
        with shop.unit() as db:
            service.emit(db, events.ORDER_PLACED, "OW-1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_the_mind()
    assert drain(shop) == []
    assert messages(shop) == []


def test_running_every_job_again_sends_nothing_twice(shop, mailer):
    event_id = announce(shop)
    drain(shop)
    (message,) = messages(shop)
    run_task(shop, "notifications.dispatch", event_id=event_id)
    run_task(shop, "notifications.send", message_id=message.public_id)
    drain(shop)
    assert len(mailer.outbox) == 1
    assert len(messages(shop)) == 1


def test_a_plugins_message_takes_the_place_of_the_kernels_and_there_is_one(open_shop, mailer):
    draft = MessageDraft(
        kind="order_placed", to="jo@example.com", subject="Again", template="mail/order_placed.pt"
    )
    plugin = fake_plugin("twice", messages=lambda event, ctx: [draft, draft])
    shop = open_shop([mailer], plugins={"twice": plugin})
    announce(shop)
    drain(shop)
    assert [mail.subject for mail in mailer.outbox] == ["Again"]
    assert [message.subject for message in messages(shop)] == ["Again"]


def test_a_plugin_that_fails_hinders_no_other_and_is_tried_again(open_shop, mailer):
    attempts = []

    def broken(event, ctx):
        attempts.append(event.id)
        ctx.db.execute(text("SELECT 1/0")) if len(attempts) == 1 else None
        return [
            MessageDraft(
                kind="extra", to="jo@example.com", subject="Extra", template="mail/order_paid.pt"
            )
        ]

    shop = open_shop([mailer], plugins={"broken": fake_plugin("broken", messages=broken)})
    announce(shop)
    drain(shop, errors=False)
    assert [mail.subject for mail in mailer.outbox] == ["Your order OW-1"]
    drain(shop, now=datetime.now(UTC) + timedelta(minutes=1))
    assert [mail.subject for mail in mailer.outbox] == ["Your order OW-1", "Extra"]
    assert len(attempts) == 2


def test_a_mail_without_text_is_never_sent(open_shop, mailer, tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "empty.pt").write_text("<html><head><title>x</title></head></html>")
    draft = MessageDraft(kind="empty", to="jo@example.com", subject="x", template="empty.pt")
    plugin = fake_plugin("empty", messages=lambda event, ctx: [draft])
    shop = open_shop([mailer], plugins={"empty": plugin})
    from opticworks.web.themes import Theme

    templates = shop.templates
    themes = {**templates.themes, "test": Theme("test", tmp_path, parent=templates.default)}
    shop.templates = type(templates)(themes, "test")
    announce(shop)
    with pytest.raises(ValueError, match="no text"):
        drain(shop)
    drain(shop)
    assert [message.kind for message in messages(shop)] == ["order_placed"]


def test_a_message_to_nobody_is_an_error_that_names_its_kind(open_shop, mailer):
    draft = MessageDraft(kind="lost", to="", subject="x", template="mail/order_placed.pt")
    plugin = fake_plugin("lost", messages=lambda event, ctx: [draft])
    shop = open_shop([mailer], plugins={"lost": plugin})
    announce(shop)
    with pytest.raises(ValueError, match="'lost' has no address"):
        drain(shop)


def test_every_plugin_reacts_once_in_a_job_of_its_own(open_shop, mailer):
    seen = []
    plugins = {
        name: fake_plugin(
            name, on_event=lambda event, ctx, name=name: seen.append((name, event.id))
        )
        for name in ("a", "b")
    }
    shop = open_shop([mailer], plugins=plugins)
    event_id = announce(shop)
    assert drain(shop).count("notifications.react") == 2
    run_task(shop, "notifications.react", event_id=event_id, handler="a")
    assert seen == [("a", event_id), ("b", event_id)]


def test_a_reaction_that_fails_is_rolled_back_and_tried_again(open_shop, mailer):
    calls = []

    def react(event, ctx):
        calls.append(event.id)
        service.suppress(ctx.db, f"{len(calls)}@example.com", "test")
        if len(calls) == 1:
            raise RuntimeError("not now")

    shop = open_shop([mailer], plugins={"shaky": fake_plugin("shaky", on_event=react)})
    announce(shop)
    drain(shop, errors=False)
    drain(shop, now=datetime.now(UTC) + timedelta(minutes=1))
    with shop.unit() as db:
        assert not service.is_suppressed(db, "1@example.com")
        assert service.is_suppressed(db, "2@example.com")
    assert len(mailer.outbox) == 1


def test_a_reaction_of_a_plugin_that_is_gone_is_dropped(shop):
    event_id = announce(shop)
    run_task(shop, "notifications.react", event_id=event_id, handler="gone")


def test_a_mail_server_that_is_away_is_tried_again_with_the_same_key(shop, mailer):
    mailer.vendor.fail_next("after", message="timed out")
    announce(shop)
    drain(shop, errors=False)
    (message,) = messages(shop)
    assert (message.status, message.tries) == ("queued", 1)
    assert "timed out" in message.error
    drain(shop, now=datetime.now(UTC) + timedelta(minutes=1))
    (message,) = messages(shop)
    assert (message.status, message.tries, message.error) == ("sent", 2, "")
    assert len(mailer.outbox) == 1


class Refusing(FakeMailer):
    def send(self, message, key):
        raise ProviderError("The address does not exist.", retryable=False)


def test_a_refused_message_has_failed_and_staff_can_send_it_again(open_shop, little, mailer):
    shop = open_shop([Refusing()])
    announce(shop)
    assert drain(shop).count("notifications.send") == 1
    (message,) = messages(shop)
    assert (message.status, message.error) == ("failed", "The address does not exist.")
    with shop.unit() as db:
        assert jobs.failed(db) == []
        assert service.resend(db, message.public_id) is True
    working = open_shop([mailer])
    drain(working)
    assert [mail.message_id for mail in mailer.outbox] == [message.message_id]
    with shop.unit() as db:
        assert service.resend(db, message.public_id) is False


def test_after_the_last_try_the_message_has_failed_and_its_job_is_dead(open_shop):
    shop = open_shop([])
    announce(shop)
    now = datetime.now(UTC)
    for _ in range(24):
        drain(shop, now=now, errors=False)
        now += timedelta(hours=1, minutes=1)
    (message,) = messages(shop)
    assert (message.status, message.tries) == ("failed", 24)
    assert message.error == "No plugin that sends mail is enabled."
    with shop.unit() as db:
        assert [job.task for job in jobs.failed(db)] == ["notifications.send"]


def test_a_suppressed_address_gets_no_mail(shop, mailer):
    with shop.unit() as db:
        service.suppress(db, "Jo@Example.com", "bounced")
    announce(shop)
    drain(shop)
    assert mailer.outbox == []
    assert [message.status for message in messages(shop)] == ["suppressed"]


def test_an_address_suppressed_after_queueing_gets_no_mail(shop, mailer):
    event_id = announce(shop)
    run_task(shop, "notifications.dispatch", event_id=event_id)
    with shop.unit() as db:
        service.suppress(db, "jo@example.com", "complained")
    drain(shop)
    assert mailer.outbox == []
    assert [message.status for message in messages(shop)] == ["suppressed"]


def test_a_bounce_suppresses_the_address_and_is_announced_once(shop, mailer):
    announce(shop)
    drain(shop)
    (message,) = messages(shop)
    bounce = DeliveryEvent(id="1", ref=message.ref, state="bounced", detail="no such user")
    for _ in range(2):
        with shop.unit() as db:
            assert service.record_delivery(db, bounce) is True
    with shop.unit() as db:
        assert service.is_suppressed(db, "jo@example.com")
        count = select(func.count()).where(StoredEvent.kind == events.MESSAGE_BOUNCED)
        assert db.scalar(count) == 1
        unknown = DeliveryEvent(id="2", ref="", state="bounced")
        assert service.record_delivery(db, unknown) is False


def test_a_delivered_message_changes_nothing(shop, mailer):
    announce(shop)
    drain(shop)
    (message,) = messages(shop)
    with shop.unit() as db:
        event = DeliveryEvent(id="1", ref=message.ref, state="delivered")
        assert service.record_delivery(db, event) is True
        assert not service.is_suppressed(db, "jo@example.com")


def test_a_message_is_sent_by_one_worker_at_a_time(shop, mailer):
    event_id = announce(shop)
    run_task(shop, "notifications.dispatch", event_id=event_id)
    (message,) = messages(shop)
    seen = []

    def meanwhile(verb):
        with pytest.raises(RuntimeError, match="another worker"):
            run_task(shop, "notifications.send", message_id=message.public_id)
        seen.append(verb)

    mailer.vendor.after_acting = meanwhile
    run_task(shop, "notifications.send", message_id=message.public_id)
    assert seen == ["send"]
    assert len(mailer.outbox) == 1


def test_announcing_costs_one_statement(shop):
    from psycopg import Cursor

    sent = []
    original = Cursor.execute

    def noting(cursor, query, *args, **kwargs):
        sent.append(query)
        return original(cursor, query, *args, **kwargs)

    with shop.unit() as db:
        db.execute(text("SELECT 1"))
        Cursor.execute = noting
        try:
            service.emit(db, events.ORDER_PLACED, "OW-1")
            db.flush()
        finally:
            Cursor.execute = original
    assert len(sent) == 1


def test_models_and_migrated_tables_agree(shop):
    from opticworks.migrations import drift

    tables = (
        *("event", "event_handled", "message", "suppression"),
        *("message_event", "message_attachment", "message_wording"),
    )
    changes = [str(change) for change in drift(shop, "kernel")]
    assert [c for c in changes if any(f"<{t}>" in c or f"'{t}'" in c for t in tables)] == []
