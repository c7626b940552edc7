"""`python -m opticworks_easypost_shipping.standin --port 8421`: EasyPost on this machine."""

from __future__ import annotations

import argparse

from opticworks.testing.standins import parser, run
from opticworks_easypost_shipping.standin.delivery import EasyPostDelivery
from opticworks_easypost_shipping.standin.server import StandIn
from opticworks_easypost_shipping.standin.vendor import Vendor


def build(options: argparse.Namespace) -> StandIn:
    vendor = Vendor(options.state, refund_after=options.refund_after)
    return StandIn(vendor, EasyPostDelivery(url=options.webhooks, secrets=options.secret))


if __name__ == "__main__":
    arguments = parser(__doc__, 8421)
    arguments.add_argument(
        "--refund-after", type=float, help="pay submitted refunds back after so many seconds"
    )
    run(arguments.parse_args(), build, "easypost-standin")
