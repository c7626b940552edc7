"""What stand-ins have in common: local servers that speak a vendor's wire protocol.

A plugin's stand-in subclasses `App` (who may call, and what the vendor answers), `Delivery` (how
its webhooks are signed) and `Account` (what it keeps), and starts with `run`. `shapes` compares
its answers with recorded ones. Nothing of it is for production.
"""

from opticworks.testing.standins.account import Account, Object
from opticworks.testing.standins.app import App, NoSuchControl
from opticworks.testing.standins.delivery import Delivery
from opticworks.testing.standins.faults import Fault, Faults
from opticworks.testing.standins.keys import KeyInUse, KeyOfAnother, Keys
from opticworks.testing.standins.listening import Switch, control, listen
from opticworks.testing.standins.process import parser, run
from opticworks.testing.standins.shapes import differences, learn

__all__ = [
    "Account",
    "App",
    "Delivery",
    "Fault",
    "Faults",
    "KeyInUse",
    "KeyOfAnother",
    "Keys",
    "NoSuchControl",
    "Object",
    "Switch",
    "control",
    "differences",
    "learn",
    "listen",
    "parser",
    "run",
]
