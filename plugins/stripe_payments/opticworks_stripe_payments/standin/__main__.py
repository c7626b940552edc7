"""`python -m opticworks_stripe_payments.standin --port 8420`: Stripe on this machine."""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time
from pathlib import Path

from waitress import serve

from opticworks_stripe_payments.standin.delivery import Delivery
from opticworks_stripe_payments.standin.server import StandIn
from opticworks_stripe_payments.standin.vendor import Vendor


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8420)
    parser.add_argument("--state", type=Path, help="a file that keeps the account's objects")
    parser.add_argument("--webhooks", default="", help="the address to report events to")
    parser.add_argument("--secret", action="append", default=[], help="a signing secret")
    parser.add_argument("--parent", type=int, help="end when this process is gone")
    options = parser.parse_args()
    if options.parent is not None:
        threading.Thread(target=_end_with, args=(options.parent,), daemon=True).start()
    delivery = Delivery(url=options.webhooks, secrets=options.secret)
    app = StandIn(Vendor(options.state), delivery)
    serve(app, host="127.0.0.1", port=options.port, threads=8, ident="stripe-standin")


if __name__ == "__main__":
    main()
