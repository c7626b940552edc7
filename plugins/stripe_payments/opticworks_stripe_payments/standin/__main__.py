"""`python -m opticworks_stripe_payments.standin --port 8420`: Stripe on this machine."""

from __future__ import annotations

import argparse

from opticworks.testing.standins import parser, run
from opticworks_stripe_payments.standin.delivery import StripeDelivery
from opticworks_stripe_payments.standin.server import StandIn
from opticworks_stripe_payments.standin.vendor import Vendor


def build(options: argparse.Namespace) -> StandIn:
    delivery = StripeDelivery(url=options.webhooks, secrets=options.secret)
    return StandIn(Vendor(options.state), delivery)


if __name__ == "__main__":
    run(parser(__doc__, 8420).parse_args(), build, "stripe-standin")
