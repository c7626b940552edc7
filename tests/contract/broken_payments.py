"""Payment providers that break the contract on purpose; `test_suites.py` expects each to fail.

Every entry is a factory. The name says what is wrong with what it builds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from opticworks.contracts import ProviderError
from opticworks.money import Money
from opticworks.testing.contracts import fakes
from opticworks.testing.fakes import FakeEvent, FakeOfflinePayment, FakeOnlinePayment

from .ways import Factory, answering, broken, changed, common, in_state, number, verifying, with_key

online = FakeOnlinePayment
offline = FakeOfflinePayment


def _money(minor: int) -> Callable[[Any], Any]:
    return lambda result: replace(result, money=Money(minor, "USD"))


def _captures_anything(self: Any, ref: str, money: Money, key: str) -> Any:
    return replace(self.fetch(ref), state="captured", money=money)


def _without_keys(said: Any) -> Any:
    return replace(said, refunds=tuple(replace(each, key="") for each in said.refunds))


def _refunds_anything(self: Any, ref: str, money: Money, key: str) -> Any:
    payment = self.vendor.payments[ref]
    payment.captured = 10**9
    return replace(FakeOnlinePayment.refund(self, ref, Money(1, "USD"), key), money=money)


def _cancels_captured(self: Any, ref: str, key: str) -> Any:
    self.vendor.payments[ref].state = "canceled"
    return self.fetch(ref)


def _cancels_once(self: Any, ref: str, key: str) -> Any:
    if self.vendor.payments[ref].state == "canceled":
        raise ProviderError("It is canceled already.", retryable=False)
    return FakeOnlinePayment.cancel(self, ref, key)


def _invents(self: Any, ref: str) -> Any:
    try:
        return FakeOnlinePayment.fetch(self, ref)
    except ProviderError:
        known = FakeOfflinePayment()._result("canceled", f"{ref}:0:USD")
        return replace(known, ref=ref)


def _shrugs(verb: str) -> Factory:
    """A provider that makes up an answer to `verb` for payments nobody has heard of."""
    original = getattr(FakeOnlinePayment, verb)

    def shrug(self: Any, ref: str, *args: Any) -> Any:
        if ref in self.vendor.payments:
            return original(self, ref, *args)
        self.vendor.call("start", lambda: None)
        return replace(FakeOfflinePayment()._result("canceled", f"{ref}:0:USD"), ref=ref)

    return changed(online, **{verb: shrug})


def _vendor_first(self: Any, quote: Any) -> Any:
    self.vendor.call("offers", lambda: None)
    return FakeOnlinePayment.offers(self, quote)


def _offers_with(data: Callable[[Any], Any]) -> Factory:
    def offers(self: Any, quote: Any) -> Any:
        made = FakeOnlinePayment.offers(self, quote)
        return tuple(replace(offer, data={"more": data(self.vendor)}) for offer in made)

    return changed(online, offers=offers)


def _complains_with_the_key(self: Any, intent: Any, key: str) -> Any:
    try:
        return FakeOnlinePayment.start(self, intent, key)
    except ProviderError as error:
        raise ProviderError(f"{error} The key was {self.vendor.secret}.") from None


def _charges_nothing(self: Any, intent: Any, key: str) -> Any:
    if intent.amount.minor > 0:
        return FakeOnlinePayment.start(self, intent, key)
    made = FakeOnlinePayment.start(self, replace(intent, amount=Money(1, "USD")), key)
    return replace(made, money=intent.amount)


def _counts_in_cents(result: Any) -> Any:
    currency = result.money.currency
    return result if currency == "USD" else replace(result, money=result.money * 100)


def _takes_again(self: Any, ref: str, money: Money, key: str) -> Any:
    """Every key takes the money once more."""
    payment = self.vendor.payments[ref]
    before = payment.captured
    if before:
        payment.state = "authorized"
    answer = FakeOnlinePayment.capture(self, ref, money, key)
    payment.captured += before
    return answer


def _takes_all(self: Any, ref: str, money: Money, key: str) -> Any:
    payment = self._find(ref)
    whole = money if money.currency != "USD" else payment.amount
    return FakeOnlinePayment.capture(self, ref, whole if 0 < money.minor < 13495 else money, key)


def _takes_from_everybody(self: Any, ref: str, money: Money, key: str) -> Any:
    answer = FakeOnlinePayment.capture(self, ref, money, key)
    for payment in self.vendor.payments.values():
        if payment.state == "authorized":
            payment.state, payment.captured = "captured", payment.amount.minor
    return answer


def _takes_at_a_look(self: Any, ref: str) -> Any:
    found = FakeOnlinePayment.fetch(self, ref)
    if found.state == "authorized":
        self.vendor.payments[ref].state = "captured"
        self.vendor.payments[ref].captured = found.money.minor
    return found


def _only_unpaid(self: Any, ref: str, key: str) -> Any:
    found = self.fetch(ref)
    return found if found.state == "authorized" else FakeOnlinePayment.cancel(self, ref, key)


def _once_only(self: Any, ref: str, money: Money, key: str) -> Any:
    kept = self.vendor.payments.get(ref)
    if kept is not None and kept.refunds and money.minor != 1:
        raise ProviderError("It was refunded already.", retryable=False)
    return FakeOnlinePayment.refund(self, ref, money, key)


def _never_gives_up(make: Factory) -> Factory:
    """A provider that wants to be asked again about what its vendor refused for good."""

    def build() -> Any:
        provider = make()
        call = provider.vendor.call

        def hopeful(*args: Any, **options: Any) -> Any:
            try:
                return call(*args, **options)
            except ProviderError as error:
                raise ProviderError(str(error)) from None

        provider.vendor.call = hopeful
        return provider

    return build


def _whenever(original: Any, body: bytes, headers: Mapping[str, str]) -> FakeEvent:
    """Checks the signature, but not its age."""
    if b"payment.captured" in body and not _is_text_of(original, body, headers):
        return FakeEvent(id="evt", kind="any", at=datetime.now(UTC))
    return original(body, headers)


def _is_text_of(original: Any, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        original(body, headers)
    except Exception as error:
        return "long ago" not in str(error)
    return True


def _decodes_first(original: Any, body: bytes, headers: Mapping[str, str]) -> FakeEvent:
    body.decode()
    return original(body, headers)


def _trusts_without_a_secret(self: Any, body: bytes, headers: Mapping[str, str]) -> Any:
    return FakeOnlinePayment.read_webhook(self, body, headers) if self.vendor.secret else ()


def _lists(change: Callable[[Any], Any]) -> Factory:
    """A provider whose list is changed."""
    original = FakeOnlinePayment.list
    return changed(online, list=lambda self, since: change(list(original(self, since))))


def _lists_all(self: Any, since: Any) -> Any:
    return FakeOnlinePayment.list(self, datetime(2000, 1, 1, tzinfo=UTC))


ONLINE_PAYMENTS: dict[str, Factory] = {
    **common(online),
    "no_refunds": changed(online, refund=None),
    "a_list_of_offers": answering(online, "offers", list),
    "no_offers": answering(online, "offers", lambda offers: ()),
    "adds_a_fee": answering(online, "start", _money(13795)),
    "forgets_keys_of_start": with_key(online, "start", number),
    "one_key_for_all_starts": with_key(online, "start", lambda: "same"),
    "unstorable_data": answering(
        online, "start", lambda result: replace(result, data={"at": datetime.now(UTC)})
    ),
    "action_without_data": answering(online, "start", lambda result: replace(result, data={})),
    "naive_deadlines": answering(
        online, "start", lambda result: replace(result, expires_at=datetime(2030, 1, 1))
    ),
    "reminds_too_late": answering(
        online,
        "start",
        lambda result: replace(
            result,
            expires_at=datetime.now(UTC),
            remind_at=datetime.now(UTC) + timedelta(days=1),
        ),
    ),
    "later_without_a_deadline": answering(online, "start", in_state("pending")),
    "fetches_another_amount": answering(online, "fetch", _money(1)),
    "invents_payments": changed(online, fetch=_invents),
    "never_learns_of_payment": answering(online, "fetch", in_state("action")),
    "captures_a_cent_less": answering(online, "capture", _money(13494)),
    "forgets_keys_of_capture": with_key(online, "capture", number),
    "captures_anything": changed(online, capture=_captures_anything),
    "cancels_nothing": answering(online, "cancel", in_state("action")),
    "cancels_once_only": changed(online, cancel=_cancels_once),
    "cancels_what_was_taken": changed(online, cancel=_cancels_captured),
    "fetches_no_refunds": answering(online, "fetch", lambda said: replace(said, refunds=())),
    "fetches_refunds_without_keys": answering(online, "fetch", _without_keys),
    "fetches_no_sums": answering(online, "fetch", lambda said: replace(said, refunded=None)),
    "refunds_another_amount": answering(online, "refund", _money(4999)),
    "forgets_keys_of_refund": with_key(online, "refund", number),
    "one_key_for_all_refunds": with_key(online, "refund", lambda: "same"),
    "refunds_anything": changed(online, refund=_refunds_anything),
    "asks_before_it_offers": changed(online, offers=_vendor_first),
    "offers_unstorable_data": _offers_with(lambda vendor: datetime.now(UTC)),
    "offers_its_secret": _offers_with(lambda vendor: vendor.secret),
    "complains_with_its_key": changed(online, start=_complains_with_the_key),
    "charges_nothing": changed(online, start=_charges_nothing),
    "counts_everything_in_cents": answering(online, "start", _counts_in_cents),
    "shrugs_at_capture": _shrugs("capture"),
    "shrugs_at_cancel": _shrugs("cancel"),
    "shrugs_at_refund": _shrugs("refund"),
    "never_gives_up": _never_gives_up(online),
    "takes_at_a_look": changed(online, fetch=_takes_at_a_look),
    "silent_declines": answering(online, "fetch", lambda result: replace(result, message="")),
    "takes_all": changed(online, capture=_takes_all),
    "takes_again": changed(online, capture=_takes_again),
    "takes_from_everybody": changed(online, capture=_takes_from_everybody),
    "releases_nothing": changed(online, cancel=_only_unpaid),
    "forgets_what_was_called_off": answering(
        online, "fetch", lambda r: replace(r, state="action") if r.state == "canceled" else r
    ),
    "one_refund_only": changed(online, refund=_once_only),
    "keeps_what_can_not_be_stored": answering(
        online,
        "read_webhook",
        lambda events: tuple(replace(e, data={"at": datetime.now(UTC)}) for e in events),
    ),
    "believes_old_webhooks": verifying(online, _whenever),
    "chokes_on_bytes": verifying(online, _decodes_first),
    "trusts_without_a_secret": changed(online, read_webhook=_trusts_without_a_secret),
    "lists_without_names": _lists(
        lambda found: [replace(each, attempt="", order_number="") for each in found]
    ),
    "lists_old_news": _lists(
        lambda found: [replace(each, result=in_state("action")(each.result)) for each in found]
    ),
    "lists_everything_ever": changed(online, list=_lists_all),
    "drops_our_attempt": answering(
        online, "read_webhook", lambda events: tuple(replace(e, attempt="") for e in events)
    ),
}

OFFLINE_PAYMENTS: dict[str, Factory] = {
    "believes_webhooks": changed(offline, read_webhook=lambda self, body, headers: ()),
    "no_reference": answering(offline, "start", lambda r: replace(r, instructions=())),
    "held_for_ever": answering(
        offline, "start", lambda r: replace(r, expires_at=None, remind_at=None)
    ),
    "random_refs": answering(offline, "start", lambda r: replace(r, ref=number() + r.ref)),
    "pays_itself": answering(offline, "fetch", in_state("captured")),
}


class TestOnlinePayment(fakes.OnlinePayment):
    provider = broken(ONLINE_PAYMENTS)


class TestOfflinePayment(fakes.OfflinePayment):
    provider = broken(OFFLINE_PAYMENTS)
