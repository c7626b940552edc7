"""What becomes of a message after it was written: files, waiting, batches, reports, refusals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from opticworks import events
from opticworks.contracts import Attachment, DeliveryEvent, MessageDraft, ProviderError
from opticworks.jobs.testing import drain, run_task
from opticworks.notifications import rendering, service, unsubscribe, wording
from opticworks.notifications.kinds import KINDS, sample_order
from opticworks.notifications.models import MessageEvent
from opticworks.testing.fakes import FakeMailer, fake_plugin
from opticworks.testing.shops import spoilt

NEWS = MessageDraft(
    kind="news",
    to="jo@example.com",
    subject="News",
    template="mail/staff_low_stock.pt",
    data={"sku": "LAMP"},
    marketing=True,
)


def announce(shop, kind=events.ORDER_PLACED, subject="OW-1", **data):
    with shop.unit() as db:
        service.emit(db, kind, subject, data)
        return db.scalar(text("SELECT max(id) FROM event"))


def only(shop, subject="OW-1"):
    with shop.unit() as db:
        (found,) = service.messages_about(db, subject)
        db.expunge_all()
        return found


def report(shop, message, state, id, **more):
    with shop.unit() as db:
        event = DeliveryEvent(id=id, ref=message.ref, state=state, **more)
        return service.record_delivery(db, event, "fake_mail")


def answering(*drafts):
    def messages(event, ctx):
        return drafts if event.kind == "test.fact" else ()

    return {"drafts": fake_plugin("drafts", messages=messages)}


def test_reports_are_kept_for_ever_and_move_a_message_forward_only(shop):
    announce(shop)
    drain(shop)
    message = only(shop)
    for state, id, status in (
        ("delayed", "1", "sent"),
        ("delivered", "2", "delivered"),
        ("opened", "3", "delivered"),
        ("complained", "4", "complained"),
        ("delivered", "5", "complained"),
        ("complained", "4", "complained"),
    ):
        assert report(shop, message, state, id) is True
        assert only(shop).status == status
    with shop.unit() as db:
        kinds = [event.kind for event in service.history(db, only(shop))]
        assert sorted(kinds) == sorted(
            ["sent", "delayed", "delivered", "opened", "complained", "delivered"]
        )
        assert service.is_suppressed(db, "jo@example.com")
    for statement in ("UPDATE message_event SET kind = 'x'", "DELETE FROM message_event"):
        with pytest.raises(DBAPIError), shop.unit() as db:
            db.execute(text(statement))


def test_a_full_mailbox_blocks_nobody_and_an_address_that_is_none_does(shop):
    announce(shop)
    drain(shop)
    report(shop, only(shop), "bounced", "1", permanent=False)
    with shop.unit() as db:
        assert not service.is_suppressed(db, "jo@example.com")
    report(shop, only(shop), "bounced", "2", detail="550 unknown")
    with shop.unit() as db:
        assert service.is_suppressed(db, "jo@example.com")
        assert service.allow(db, "JO@example.com") is True
        assert not service.is_suppressed(db, "jo@example.com")


def test_a_report_that_is_quicker_than_our_commit_finds_its_message_by_our_key(shop, mailer):
    announce(shop)

    def meanwhile(verb):
        event = DeliveryEvent(id="1", ref="?", state="delivered", key=only(shop).public_id)
        with shop.unit() as db:
            assert service.record_delivery(db, event, "fake_mail") is True

    mailer.vendor.after_acting = meanwhile
    drain(shop)
    message = only(shop)
    assert (message.status, message.ref, message.mailer) == (
        "delivered",
        "mail_000001",
        "fake_mail",
    )


def test_a_mailer_that_is_down_for_an_hour_delays_mail_and_loses_none(open_shop, mailer):
    shop = open_shop([mailer])
    start = datetime.now(UTC)
    with mailer.vendor.down():
        for number in range(3):
            announce(shop, subject=f"OW-{number}")
        for minute in range(0, 60, 5):
            drain(shop, now=start + timedelta(minutes=minute), errors=False)
    assert mailer.outbox == []
    assert {only(shop, f"OW-{number}").status for number in range(3)} == {"queued"}
    drain(shop, now=start + timedelta(minutes=90))
    assert sorted(mail.subject for mail in mailer.outbox) == [
        f"Your order OW-{n}" for n in (0, 1, 2)
    ]
    assert {only(shop, f"OW-{number}").status for number in range(3)} == {"sent"}


def test_a_provider_that_asks_for_rest_gets_it(open_shop):
    class Busy(FakeMailer):
        def send(self, message, key):
            raise ProviderError("Too many.", retry_after=600)

    shop = open_shop([Busy()])
    announce(shop)
    before = datetime.now(UTC)
    drain(shop, errors=False)
    with shop.unit() as db:
        at = db.scalar(text("SELECT scheduled_at FROM procrastinate_jobs WHERE status = 'todo'"))
    assert at - before >= timedelta(seconds=590)


def test_attachments_and_the_time_to_leave_are_kept_with_the_message(open_shop, mailer):
    later = datetime.now(UTC) + timedelta(days=1)
    slip = Attachment(filename="slip.pdf", content=b"%PDF", content_type="application/pdf")
    draft = MessageDraft(
        kind="slip",
        to="jo@example.com",
        subject="Your slip",
        template="mail/staff_low_stock.pt",
        data={"sku": "LAMP"},
        attachments=(slip,),
        send_at=later,
    )
    shop = open_shop([mailer], plugins=answering(draft))
    announce(shop, "test.fact", "OW-1")
    drain(shop)
    assert mailer.outbox == []
    drain(shop, now=later + timedelta(minutes=1))
    (mail,) = mailer.outbox
    assert mail.attachments == (slip,)
    assert mail.tags["kind"] == "slip"
    assert mail.send_at is None
    # A mailer that keeps mails itself gets it at once, and until when.
    mailer.schedules = True
    announce(shop, "test.fact", "OW-2")
    drain(shop)
    assert mailer.outbox[1].send_at == later


def test_several_mails_about_one_fact_leave_in_one_call_and_once(open_shop, mailer):
    drafts = [replace(NEWS, to=f"s{n}@shop.example", marketing=False) for n in range(5)]
    shop = open_shop([mailer], plugins=answering(*drafts))
    announce(shop, "test.fact")
    mailer.vendor.fail_next("after", message="lost")
    drain(shop, errors=False)
    drain(shop, now=datetime.now(UTC) + timedelta(minutes=1))
    assert sorted(mail.to for mail in mailer.outbox) == [draft.to for draft in drafts]
    assert mailer.vendor.calls.count("send_many") == 3  # 3 and 2, and the lost answer's repeat
    with shop.unit() as db:
        found = service.messages_about(db, "OW-1")
        assert {message.status for message in found} == {"sent"}
        assert len({message.ref for message in found}) == 5


def test_marketing_carries_a_way_out_that_stops_marketing_alone(open_shop, mailer):
    shop = open_shop([mailer], plugins=answering(NEWS))
    announce(shop, "test.fact", "N-1")
    drain(shop)
    (mail,) = mailer.outbox
    link = mail.headers["List-Unsubscribe"].strip("<>")
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in mail.html
    token = link.rpartition("/")[2]
    with shop.unit() as db:
        assert unsubscribe.find(db, (shop.config.secret,), spoilt(token)) is None
        found = unsubscribe.find(db, (shop.config.secret,), token)
        assert unsubscribe.stop(db, found) is True
    announce(shop, "test.fact", "N-2")
    announce(shop)
    drain(shop)
    assert [mail.subject for mail in mailer.outbox] == ["News", "Your order OW-1"]
    assert "List-Unsubscribe" not in mailer.outbox[1].headers
    assert only(shop, "N-2").status == "suppressed"


def test_staff_words_are_filled_in_and_are_never_a_template(shop, mailer):
    kind = KINDS[0]
    with shop.unit() as db:
        wording.save(db, kind, "Hi {name}: {order}", "${1/0 <b>{total}</b>\n\nBye, {shop}.", 0)
    with shop.unit() as db:
        for slip in ("{secret}", "{Order}", "{order.number}", "{ order }", "{}", "${1/0}"):
            with pytest.raises(wording.BadWording, match="stands for nothing here"):
                wording.save(db, kind, slip, "", 1)
        with pytest.raises(wording.Changed):
            wording.save(db, kind, "Other", "", 0)
    announce(shop)
    drain(shop)
    (mail,) = mailer.outbox
    assert mail.subject == "Hi Jo: OW-1"
    assert "${1/0 <b>$263.00</b>\n\nBye, OpticWorks." in mail.text
    assert "<b>" not in mail.html
    with shop.unit() as db:
        assert wording.back_to_default(db, kind) is True
        assert wording.of_kind(db, kind).subject == kind.subject


def test_every_kind_draws_a_sample_that_leaves_no_brace_open(shop, little):
    with shop.unit() as db:
        for kind in wording.kinds(shop).values():
            for order in (little.order("OW-7"), sample_order("USD", "http://shop.example")):
                drawn = kind.sample(order)
                draft, intro = rendering.worded(shop, db, drawn, order)
                letter = rendering.render(shop, draft, order, intro=intro)
                assert letter.subject
                assert not wording.VARIABLE.search(letter.subject + letter.text)
                for line in intro.split("\n\n"):
                    assert line in letter.text


@pytest.mark.parametrize(
    ("kind", "data", "subject", "said"),
    [
        (
            events.PAYMENT_FAILED,
            {"reason": "Your card was declined"},
            "did not go through",
            "card was declined.",
        ),
        (events.SHIPMENT_OUT_FOR_DELIVERY, {"shipment": "parcel-1"}, "arrives today", "in the van"),
        (events.SHIPMENT_DELIVERED, {"shipment": "parcel-1"}, "was delivered", "UPS says"),
    ],
)
def test_each_fact_on_the_way_has_its_mail(shop, mailer, kind, data, subject, said):
    announce(shop, kind, **data)
    drain(shop)
    (mail,) = mailer.outbox
    assert subject in mail.subject
    assert said in mail.text


def test_no_message_has_two_rows_for_one_fact_and_recipient(shop):
    event_id = announce(shop)
    drain(shop)
    with shop.unit() as db:
        db.execute(text("DELETE FROM event_handled WHERE event_id = :id"), {"id": event_id})
    run_task(shop, "notifications.dispatch", event_id=event_id)
    assert only(shop).kind == "order_placed"
    with shop.unit() as db:
        assert len(db.scalars(select(MessageEvent)).all()) == 1
