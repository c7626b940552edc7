"""Every kernel table, so that the metadata is whole wherever migrations look at it."""

from opticworks.audit import models as audit
from opticworks.carts import models as carts
from opticworks.db import changes
from opticworks.documents import models as documents
from opticworks.links import models as links
from opticworks.media import models as media
from opticworks.notifications import models as notifications
from opticworks.orders import models as orders
from opticworks.pages import models as pages
from opticworks.payments import models as payments
from opticworks.returns import models as returns
from opticworks.settings import models as settings
from opticworks.shipping import models as shipping
from opticworks.staff import models as staff
from opticworks.stock import models as stock
from opticworks.webhooks import models as webhooks

__all__ = [
    "audit",
    "carts",
    "changes",
    "documents",
    "links",
    "media",
    "notifications",
    "orders",
    "pages",
    "payments",
    "returns",
    "settings",
    "shipping",
    "staff",
    "stock",
    "webhooks",
]
