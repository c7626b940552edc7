"""Real processes of one shop, started quickly and killed as by a power cut.

`Nursery` is a process that puts each shop together once and forks the processes that a test asks
for: a web server (the real application behind waitress), a worker, or a single verb. Each has
connections and settings of its own, as behind a server that loads its application before it
forks, so that nothing is shared but PostgreSQL, Redis and the shop's folder.
`fault` names the fault point (opticworks.faults) at which the process kills itself.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any, TypeVar

from opticworks import faults
from opticworks.config import Config, PluginLine
from opticworks.contracts import Address
from opticworks.db import now_utc
from opticworks.shop import Shop
from opticworks.testing.fakes import (
    FakeAddressVerifier,
    FakeCardVendor,
    FakeCarrierVendor,
    FakeOnlinePayment,
    FakeShipping,
    FakeVendor,
    provider_plugin,
)
from opticworks.testing.shops import SECRET
from opticworks.testing.visitors import ADDRESS

T = TypeVar("T")
SHIPPED = ("catalog", "discounts", "manual_payments", "table_rates", "smtp_mail")


class _Stored(FakeVendor):
    """A vendor that all processes reach: what it knows is in a file, one call at a time."""

    _KEPT: tuple[str, ...] = ("calls", "events", "_answers", "_counter")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    @contextmanager
    def open(self) -> Iterator[None]:
        """What the vendor knows now; changes are kept."""
        with self.lock, self.path.with_suffix(".lock").open("w") as turn:
            flock(turn, LOCK_EX)
            if self.path.exists():
                vars(self).update(pickle.loads(self.path.read_bytes()))
            try:
                yield
            finally:
                kept = {name: vars(self)[name] for name in self._KEPT}
                draft = self.path.with_suffix(".new")
                draft.write_bytes(pickle.dumps(kept))
                draft.replace(self.path)

    def call(self, verb: str, act: Callable[[], T], key: str = "") -> T:
        with self.open():
            return super().call(verb, act, key)


class StoredCardVendor(_Stored, FakeCardVendor):
    _KEPT = (*_Stored._KEPT, "payments", "declines")


class StoredCarrierVendor(_Stored, FakeCarrierVendor):
    _KEPT = (*_Stored._KEPT, "shipments", "bought", "forms")


@dataclass(frozen=True, kw_only=True)
class House:
    """Where a shop's processes find what they share. `card` is the state in which a payment at
    the test card begins; empty: there is no such card. `carrier`: whether there is a broker that
    sells labels."""

    database_url: str
    redis_url: str
    folder: str
    plugins: Sequence[str] = SHIPPED
    theme: str = "default"
    card: str = "authorized"
    carrier: bool = False
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def vendor(self) -> StoredCardVendor:
        return StoredCardVendor(Path(self.folder) / "card")

    def broker(self) -> StoredCarrierVendor:
        return StoredCarrierVendor(Path(self.folder) / "carrier")

    def open(self, later: float = 0.0) -> Shop:
        """The shop, its clock `later` seconds ahead."""
        from opticworks.boot import boot

        card = FakeOnlinePayment(self.vendor(), self.card)  # type: ignore[arg-type]
        extra = {"fake_card": provider_plugin("fake_card", payments=[card])} if self.card else {}
        verifier = FakeAddressVerifier()
        extra["fake_verifier"] = provider_plugin("fake_verifier", address_verifiers=[verifier])
        if self.carrier:
            broker = FakeShipping(self.broker())
            extra["fake_carrier"] = provider_plugin("fake_carrier", shipping=[broker])
        shop = boot(
            Config(
                mode="test",
                database_url=self.database_url,
                redis_url=self.redis_url,
                base_url="http://127.0.0.1",
                secret=SECRET,
                var=Path(self.folder),
                plugins=tuple(PluginLine(code) for code in self.plugins),
                plugin_settings=self.settings,
                theme=self.theme,
            ),
            extra_plugins=extra,
        )
        shop.now = lambda: now_utc() + timedelta(seconds=later)
        return shop


@dataclass
class Process:
    """A process of the nursery."""

    nursery: Nursery
    pid: int
    folder: Path

    def status(self) -> int | None:
        """How it ended, as subprocess says it; None while it runs."""
        answer = self.nursery.ask({"poll": self.pid})
        return None if answer == "running" else int(answer)

    def wait(self, seconds: float = 60.0) -> int:
        """Wait for its end; its status."""
        until(lambda: self.status() is not None, seconds, self.log)
        return self.nursery.ended[self.pid]

    def kill(self) -> None:
        if self.status() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def log(self) -> str:
        """The last of what the shop's processes wrote."""
        return (self.folder / "log").read_text()[-3000:]

    @property
    def address(self) -> str:
        """Where a web process serves, once it does."""
        file = self.folder / f"port-{self.pid}"
        until(lambda: file.exists() or self.status() is not None, 60.0, self.log)
        return f"http://127.0.0.1:{file.read_text()}"


class Nursery:
    """Starts processes of a House. Close it when done: what still runs is killed."""

    def __init__(self) -> None:
        self.ended: dict[int, int] = {}
        self._running: set[int] = set()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "opticworks.testing.processes"],
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, request: Mapping[str, Any]) -> str:
        if (pid := request.get("poll")) in self.ended:
            return str(self.ended[pid])
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        if pid is not None and answer != "running":
            self.ended[pid] = int(answer)
            self._running.discard(pid)
        return answer

    def start(self, what: str, house: House, **options: Any) -> Process:
        """Start "web" (`threads`), "worker" or "verb" (`call`, see `verb`), each with `fault`
        and `later`."""
        request = {"start": what, "house": asdict(house), "options": options}
        pid = int(self.ask(request))
        self.ended.pop(pid, None)  # a number may come again, on a busy machine after minutes
        self._running.add(pid)
        return Process(self, pid, Path(house.folder))

    def close(self) -> None:
        for pid in list(self._running):
            Process(self, pid, Path()).kill()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def until(
    condition: Callable[[], Any], seconds: float = 60.0, why: Callable[[], str] = str
) -> None:
    """Wait until the condition holds. Raises AssertionError with what `why()` says."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"It did not happen in time. {why()}")
        time.sleep(0.05)


# --- in the nursery -------------------------------------------------------------------------------


def web(warm: Warm, threads: int = 4) -> None:
    """Serve the shop on a free port, which is written down when it does."""
    from waitress.server import create_server

    server = create_server(warm.app, host="127.0.0.1", port=0, threads=threads)
    file = Path(warm.shop.config.var) / f"port-{os.getpid()}"
    file.with_suffix(".new").write_text(str(server.effective_port))
    file.with_suffix(".new").rename(file)
    server.run()


def worker(warm: Warm) -> None:
    """Run jobs until killed, one at a time if it is to die of one: another would die with it,
    wherever it is just then. Nothing runs by the clock, which shows another time in every run."""
    from opticworks.jobs.worker import Pace, run

    places = 1 if os.environ.get(faults.VARIABLE) else 2
    pace = Pace(heartbeat=0.2, stalled_after=20.0, rescue=0.3, poll=0.2)
    run(warm.shop, concurrency=places, pace=pace, scheduled=False)


def bury(shop: Shop) -> None:
    """Let every worker that there was be known as dead, without the wait for its heartbeat: on a
    busy machine a living one can be silent for seconds."""
    from sqlalchemy import text

    with shop.unit() as db:
        db.execute(text("UPDATE procrastinate_workers SET last_heartbeat = '-infinity'"))


def refund(shop: Shop, number: str, amount: int) -> None:
    """Pay an amount back, as a clerk would who presses the button once."""
    from opticworks.checkout.refund import refund
    from opticworks.checkout.refund_plan import Wish

    refund(shop, number, Wish(request=uuid.uuid4(), amount=amount, note="test"), actor="clerk")


def verb(warm: Warm, call: Sequence[Any]) -> None:
    """Call `module:function` with the shop and keyword arguments, as a request of staff would."""
    from importlib import import_module

    (module, _, name), arguments = call[0].partition(":"), call[1]
    getattr(import_module(module), name)(warm.shop, **arguments)


def put_right(shop: Shop, *, ref: str, deed: str) -> None:
    """A verb: compare with the providers and repair what is said of one payment there."""
    from opticworks.checkout.reconcile import compare
    from opticworks.checkout.repair import repair

    for found in compare(shop, shop.now() - timedelta(days=1)):
        if found.ref == ref:
            repair(shop, found, deed, actor="clerk")


def edit_address(
    shop: Shop, *, number: str, address: Mapping[str, str], shown: str, actor: str
) -> None:
    """A verb: staff type another address for an order."""
    from opticworks.checkout import addresses

    addresses.edit(shop, number, Address.model_validate(address), shown=shown, actor=actor)


def buy(shop: Shop, *, email: str, payment: str, sku: str, quantity: int = 1) -> str:
    """A verb: a customer orders so many of the SKU; the order's number."""
    from opticworks.checkout.place import place

    return place(shop, wish(shop, email=email, payment=payment, sku=sku, quantity=quantity)).number


def wish(shop: Shop, *, email: str, payment: str, sku: str, quantity: int = 1) -> Any:
    """What a customer who fills a cart with so many of the SKU agrees to, see `place`."""
    from opticworks.carts import service as carts
    from opticworks.checkout import cart as basket
    from opticworks.checkout.place import Wish
    from opticworks.checkout.quoting import address_of, ensure_rates, quote_cart

    details = {**ADDRESS, "email": email, "state": "CA", "country": "US"}
    with shop.unit() as db:
        cart = carts.create(db, "USD", shop.now(), 30)
        basket.add(shop, db, cart, sku, quantity)
        carts.remember_details(cart, details, shop.now())
    ensure_rates(shop, cart.id)
    with shop.unit() as db:
        kept = carts.get(db, cart.id)
        assert kept is not None
        quote = quote_cart(shop, db, kept).quote
    return Wish(
        cart_id=cart.id,
        quote_hash=quote.hash,
        email=email,
        address=address_of(shop, details),
        payment=payment,
    )


def ship(shop: Shop, what: str, parcel: str = "", **more: Any) -> Any:
    """A verb: something done to a parcel, or in another's name to an order ("pack")."""
    from opticworks.checkout import (
        batches,
        label_formats,
        labels,
        manifests,
        parcels,
        shipping_jobs,
        tracking,
    )
    from opticworks.checkout.parcels import Wanted

    id = uuid.UUID(parcel) if parcel else None
    verbs: Mapping[str, Callable[[], Any]] = {
        "pack": lambda: parcels.pack_order(
            shop,
            more["number"],
            actor="clerk",
            parcels=[Wanted(lines={more["sku"]: 1})],
            shipment_id=uuid.UUID(more["form"]),
        ),
        "unpack": lambda: parcels.unpack(shop, id, actor="clerk"),  # type: ignore[arg-type]
        "buy": lambda: labels.buy(shop, id, rate_code="ground", actor="clerk"),  # type: ignore[arg-type]
        "hand_over": lambda: parcels.hand_over(shop, [id], actor="clerk"),  # type: ignore[list-item]
        "void": lambda: labels.void(shop, id, actor="clerk"),  # type: ignore[arg-type]
        "follow": lambda: labels.follow_void(shop, id),  # type: ignore[arg-type]
        "track": lambda: tracking.sync(shop, "fake_carrier", more["ref"]),
        "keep": lambda: shipping_jobs.keep_label(shop, id, "PDF", b"%PDF-2"),  # type: ignore[arg-type]
        "format": lambda: label_formats.make(shop, id, "ZPL"),  # type: ignore[arg-type]
        "poll": lambda: shipping_jobs.poll_trackers(shop),
        "batch": lambda: batches.begin_batch(shop, more["numbers"], actor="clerk"),
        "batch_label": lambda: batches.batch_label(shop, more["batch"], more["number"]),
        "batch_again": lambda: batches.again(shop, uuid.UUID(more["batch"])),
        "manifest": lambda: manifests.begin(
            shop,
            [id],  # type: ignore[list-item]
            actor="clerk",
            manifest_id=uuid.UUID(more["manifest"]),
        ),
        "manifest_job": lambda: manifests.make(shop, more["manifest"]),
        "by_itself": lambda: shipping_jobs.buy_label(shop, more["number"]),
    }
    return verbs[what]()


def come_back(shop: Shop, what: str, number: str) -> Any:
    """A verb: something done to a return of that number."""
    from opticworks.checkout import return_labels, return_refund, withdrawal
    from opticworks.returns import service as cases

    with shop.unit() as db:
        case = cases.by_number(db, number)
        assert case is not None
        label = cases.label_of(db, case.id)
        known = label or next(iter(reversed(cases.labels_of(db, case.id))), None)
    ref, id = (known.ref, known.id) if known is not None else ("", uuid.UUID(int=0))
    files, terms = {"PDF": b"%PDF-2", "PNG": b"\x89PNG"}, return_refund.Terms()
    buying = {"rate_code": "ground", "most": None, "actor": "clerk"}
    verbs: Mapping[str, Callable[[], Any]] = {
        "prices": lambda: return_labels.prepare(shop, number),
        "buy": lambda: return_labels.buy(shop, number, **buying),  # type: ignore[arg-type]
        "keep": lambda: return_labels.keep_label(shop, number, files, "clerk"),
        "track": lambda: return_labels.sync(shop, "fake_carrier", ref),
        "void": lambda: return_labels.void(shop, id, actor="clerk"),
        "follow": lambda: return_labels.follow_void(shop, id),
        "pay": lambda: return_refund.pay(shop, number, terms, actor="clerk"),
        "carry_out": lambda: withdrawal.carry_out(shop, str(case.id)),
    }
    return verbs[what]()


@dataclass(frozen=True)
class Warm:
    """A shop and its web application, put together before the fork, which is most of a start."""

    shop: Shop
    app: Any

    @classmethod
    def of(cls, house: House) -> Warm:
        from opticworks.app import make_app

        shop = house.open()
        warm = cls(shop, make_app(shop))
        shop.close()  # no connection may be used on both sides of a fork
        gc.collect()
        gc.freeze()  # a collection in a child need not copy what is here
        return warm

    def wake(self, later: float) -> None:
        """In the child: read what a process reads when it starts."""
        faults.arm(self.shop.mode)
        self.shop.now = lambda: now_utc() + timedelta(seconds=later)
        self.shop.settings_changed()


def _child(warm: Warm | None, request: Mapping[str, Any]) -> None:
    import logging

    house = House(**request["house"])
    options = dict(request["options"])
    os.environ[faults.VARIABLE] = options.pop("fault", "")
    logging.basicConfig(
        filename=Path(house.folder) / "log",
        level=logging.INFO,
        format="%(asctime)s %(process)d %(name)s %(message)s",
    )
    try:
        started: Callable[..., None] = globals()[request["start"]]
        warm = warm or Warm.of(house)
        warm.wake(options.pop("later", 0.0))
        started(warm, **options)
    except BaseException:
        logging.exception("%s ended", request["start"])
        raise


def main() -> None:
    """Fork a process for each request on standard input; answer its pid, or how it ended."""
    import opticworks.admin
    import opticworks.app
    import opticworks.boot
    import opticworks.checkout.staff  # noqa: F401

    houses: dict[str, Warm] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if pid else "running", flush=True)
            continue
        known = json.dumps(request["house"], sort_keys=True)
        if known not in houses:
            try:
                houses[known] = Warm.of(House(**request["house"]))
            except Exception:  # the child will fail likewise, and be asked how it ended
                traceback.print_exc()
        child = os.fork()
        if child == 0:
            try:
                _child(houses.get(known), request)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main()
