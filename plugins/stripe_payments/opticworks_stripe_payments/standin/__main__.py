"""`python -m opticworks_stripe_payments.standin --port 8420`: Stripe on this machine."""

from __future__ import annotations

import argparse

from opticworks.testing.standins import parser, run
from opticworks_stripe_payments.standin.delivery import StripeDelivery
from opticworks_stripe_payments.standin.server import StandIn
from opticworks_stripe_payments.standin.vendor import Vendor


def build(options: argparse.Namespace) -> StandIn:
    delivery = StripeDelivery(url=options.webhooks, secrets=options.secret)
    return StandIn(Vendor(options.state, eager=options.eager), delivery)


if __name__ == "__main__":
    arguments = parser(__doc__, 8420)
    arguments.add_argument(
        "--eager",
        action="store_true",
        help="pay each intent before the shop asks about it, as its buyer would: for a bench",
    )
    run(arguments.parse_args(), build, "stripe-standin")
