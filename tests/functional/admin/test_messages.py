"""Messages in the admin: what they say, what became of them, and who gets none."""

from __future__ import annotations

from opticworks.checkout.staff import cancel
from opticworks.contracts import DeliveryEvent
from opticworks.jobs.testing import drain
from opticworks.notifications import service, unsubscribe
from opticworks.notifications.models import MARKETING
from opticworks.testing.shops import Browser, spoilt

KIND = "/admin/messages/kinds/order_placed"


def form_of(page, action):
    return next(form for form in page.forms.values() if form.action == action)


def test_staff_reword_a_message_look_at_it_and_go_back(counter, sign_in):
    number = counter.buy(("LAMP", 1)).number
    browser = sign_in("manager")
    assert "We have your order" in browser.get(KIND).text
    form = form_of(browser.get(KIND), KIND)
    form["subject"], form["intro"] = "Hello {name}, {order} is in", "{nobody}"
    refused = form.submit(status=422)
    assert "{nobody} stands for nothing here" in refused.text
    form = form_of(refused, KIND)
    form["intro"] = "Great choice.\n\nIt costs {total}."
    form["order"] = number
    looked = form.submit("_preview")
    assert f"{number} is in" in looked.text
    assert "Not saved" in looked.text
    shown = browser.get(looked.html.select_one("iframe")["src"])
    assert "Great choice." in shown.text
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert "We have your order" in browser.get(KIND).text  # looking saves nothing
    stale = form_of(looked, KIND)
    form_of(looked, KIND).submit(status=303).follow()
    assert "Somebody else changed these words" in stale.submit(status=409).text
    newer = counter.buy(("LAMP", 1)).number
    drain(counter.shop)
    with counter.shop.unit() as db:
        newest = service.messages_about(db, newer)[0]
        assert newest.subject.endswith("is in")
        assert "Great choice." in newest.text
    form_of(browser.get(KIND), f"{KIND}/default").submit(status=303)
    assert "We have your order" in browser.get(KIND).text
    assert "Default" in browser.get("/admin/messages/kinds").text


def test_a_test_goes_to_whoever_asks_and_stands_in_the_log(counter, sign_in):
    browser = sign_in("owner")
    form_of(browser.get(KIND), f"{KIND}/test").submit(status=303)
    log = browser.get("/admin/messages?q=owner@")
    assert "Test: Your order" in log.text
    assert KIND in log.text
    sign_in("clerk").post(f"{KIND}/test", status=403)


def test_the_log_shows_what_became_of_a_mail_and_blocked_addresses_can_be_freed(counter, sign_in):
    number = counter.buy(("LAMP", 1)).number
    drain(counter.shop)
    with counter.shop.unit() as db:
        (message,) = service.messages_about(db, number)
        event = DeliveryEvent(
            id="1", ref="", key=message.public_id, state="bounced", detail="550 No such user"
        )
        assert service.record_delivery(db, event, "resend")
        address, id = message.recipient, message.public_id
    browser = sign_in("manager")
    page = browser.get(f"/admin/messages/{id}")
    assert "Came back" in page.text
    assert "550 No such user" in page.text
    assert "Blocked: gets no such mail" in page.text
    send = f"/admin/messages/{id}/send"
    assert send not in [form.action for form in page.forms.values()]
    cancel(counter.shop, number, actor="test", reason="customer")
    drain(counter.shop)
    with counter.shop.unit() as db:
        *_, unsent = service.messages_about(db, number)
        assert unsent.status == "suppressed"
        assert not service.resend(db, unsent.public_id)
        assert not service.send_copy(db, id)
        unsent_id = unsent.public_id
    assert "Bounced" in browser.get("/admin/messages?status=bounced").text
    blocked = browser.get("/admin/messages/blocked")
    assert "Its mail came back" in blocked.text
    next(f for f in blocked.forms.values() if "address" in f.fields).submit(status=303)
    assert "No address is blocked" in browser.get("/admin/messages/blocked").text
    with counter.shop.unit() as db:
        assert not service.is_suppressed(db, address)
    page = browser.get(f"/admin/messages/{unsent_id}")
    form = next(f for f in page.forms.values() if f.action.endswith("/send"))
    assert f"is on its way to {address} again" in form.submit(status=303).follow().text
    drain(counter.shop)
    with counter.shop.unit() as db:
        assert service.messages_about(db, number)[-1].status == "sent"


def test_one_click_stops_marketing_without_cookies_origin_or_sign_in(counter):
    number = counter.buy(("LAMP", 1)).number
    drain(counter.shop)
    with counter.shop.unit() as db:
        (message,) = service.messages_about(db, number)
        link, address = unsubscribe.link(counter.shop, message.public_id), message.recipient
    path = link.removeprefix(counter.shop.config.base_url)
    browser = Browser(counter.shop)
    assert "Keep them coming" in browser.get(path).text
    with counter.shop.unit() as db:
        assert not service.is_suppressed(db, address, marketing=True)  # looking stops nothing
    strange = {
        "Origin": "https://mail.example",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    done = browser.post(path, {"List-Unsubscribe": "One-Click"}, headers=strange)
    assert "You are unsubscribed" in done.text
    assert "Set-Cookie" not in done.headers
    with counter.shop.unit() as db:
        assert service.is_suppressed(db, address, marketing=True)
        assert not service.is_suppressed(db, address)
        (row,) = service.suppressed(db)
        assert row.scope == MARKETING
    browser.post(spoilt(path), status=404)


def test_low_stock_is_told_to_staff_once_when_an_order_brings_it_below_the_mark(counter, sign_in):
    form = form_of(sign_in().get("/admin/settings/shop"), "/admin/settings/shop")
    form["alerts"] = "ops@shop.example, buyer@shop.example"
    form.submit(status=303)
    counter.stock("LAMP", 7, "10.00")
    for _ in range(4):  # 7, 6, 5 (the mark), 4, 3
        counter.buy(("LAMP", 1))
    drain(counter.shop)
    alerts = [mail for mail in counter.mailer.outbox if mail.subject.startswith("Low stock")]
    assert sorted(mail.to for mail in alerts) == ["buyer@shop.example", "ops@shop.example"]
    assert {mail.subject for mail in alerts} == {"Low stock: LAMP, 4 left"}
    assert not any(mail.subject.startswith("New order") for mail in counter.mailer.outbox)
