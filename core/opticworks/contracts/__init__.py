"""Frozen data that crosses the line between kernel and plugins, and the provider protocols.

Imports nothing of the project but `money`, so that a plugin's tests need no kernel. Everything
here is immutable: plugins answer with it, the kernel writes. Times are timezone-aware UTC,
weights are grams, sizes millimetres.
"""

from __future__ import annotations

from opticworks.contracts.discovery import (
    Ctx,
    MenuItem,
    MigrationBranch,
    Permission,
    PluginInfo,
    Schedule,
    SitemapEntry,
    SlotFragment,
    StandIn,
)
from opticworks.contracts.goods import Component, Item
from opticworks.contracts.notifications import DeliveryEvent, Mailer, MessageDraft, OutgoingMessage
from opticworks.contracts.orders import (
    FulfilmentStatus,
    OrderLineView,
    OrderPart,
    OrderView,
    PaymentStatus,
    PaymentView,
    ShipmentView,
)
from opticworks.contracts.payments import (
    Instruction,
    PaymentIntent,
    PaymentOffer,
    PaymentProvider,
    PaymentResult,
    PaymentState,
    RefundResult,
)
from opticworks.contracts.pictures import ImageStore, Picture
from opticworks.contracts.places import Address, AddressVerdict, AddressVerifier
from opticworks.contracts.prices import (
    Adjustment,
    ClaimRequest,
    CodeState,
    Draft,
    Notice,
    Objection,
    PriceDisplay,
    Quote,
    QuoteLine,
    Refusal,
    ShippingChoice,
    Stage,
)
from opticworks.contracts.settings import ShopSettings
from opticworks.contracts.shipping import (
    Label,
    Parcel,
    Rate,
    RateRequest,
    ShipmentRequest,
    ShipmentState,
    ShippingLine,
    ShippingProvider,
    TrackingUpdate,
)
from opticworks.contracts.vendors import (
    BadSignature,
    NoWebhooks,
    NoWebhookSecret,
    ProviderError,
    WebhookEvent,
)

__all__ = [
    "Address",
    "AddressVerdict",
    "AddressVerifier",
    "Adjustment",
    "BadSignature",
    "ClaimRequest",
    "CodeState",
    "Component",
    "Ctx",
    "DeliveryEvent",
    "Draft",
    "FulfilmentStatus",
    "ImageStore",
    "Instruction",
    "Item",
    "Label",
    "Mailer",
    "MenuItem",
    "MessageDraft",
    "MigrationBranch",
    "NoWebhookSecret",
    "NoWebhooks",
    "Notice",
    "Objection",
    "OrderLineView",
    "OrderPart",
    "OrderView",
    "OutgoingMessage",
    "Parcel",
    "PaymentIntent",
    "PaymentOffer",
    "PaymentProvider",
    "PaymentResult",
    "PaymentState",
    "PaymentStatus",
    "PaymentView",
    "Permission",
    "Picture",
    "PluginInfo",
    "PriceDisplay",
    "ProviderError",
    "Quote",
    "QuoteLine",
    "Rate",
    "RateRequest",
    "RefundResult",
    "Refusal",
    "Schedule",
    "ShipmentRequest",
    "ShipmentState",
    "ShipmentView",
    "ShippingChoice",
    "ShippingLine",
    "ShippingProvider",
    "ShopSettings",
    "SitemapEntry",
    "SlotFragment",
    "Stage",
    "StandIn",
    "TrackingUpdate",
    "WebhookEvent",
]
