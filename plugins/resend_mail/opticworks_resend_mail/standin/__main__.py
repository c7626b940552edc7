"""`python -m opticworks_resend_mail.standin --port 8425`: Resend on this machine."""

from __future__ import annotations

import threading
import time
from argparse import Namespace
from pathlib import Path

from opticworks.testing.standins import parser, run
from opticworks_resend_mail.standin.server import Reports, StandIn
from opticworks_resend_mail.standin.vendor import Vendor


def _keep_releasing(vendor: Vendor) -> None:
    while True:
        time.sleep(1)
        vendor.release_due()


def build(options: Namespace) -> StandIn:
    vendor = Vendor(options.state, mailbox=options.mailbox)
    threading.Thread(target=_keep_releasing, args=(vendor,), daemon=True).start()
    return StandIn(vendor, Reports(url=options.webhooks, secrets=options.secret))


def main() -> None:
    arguments = parser(__doc__, 8425)
    arguments.add_argument("--mailbox", type=Path, help="a Maildir to show what was received")
    run(arguments.parse_args(), build, "resend-standin")


if __name__ == "__main__":
    main()
