"""A bought label in another format: for the printer that is there today, at no cost."""

from __future__ import annotations

import uuid

from opticworks import contracts as c
from opticworks.checkout import purchase, shipping_jobs
from opticworks.checkout.labels import ParcelLabel
from opticworks.checkout.settle import Refused
from opticworks.faults import outside
from opticworks.media.recognise import BadPicture
from opticworks.shop import Shop

HAVE_LABELS = ("bought", "shipped", "delivered")


def make(shop: Shop, parcel_id: uuid.UUID, format: str) -> None:
    """Keep a bought label in a further format. To buy once more what is bought only answers it
    (see ShippingProviderContract). Raises Refused where there is none."""
    with purchase.turn(shop, parcel_id):
        own = ParcelLabel(shop, parcel_id)
        work = own.read()
        if work.status not in HAVE_LABELS or work.rate is None:
            raise Refused("There is no label that could be had in another format.")
        if own.find(parcel_id).void:  # to buy what was given back might buy it anew
            raise Refused("Its label was to be given back. Look up first whether it was.")
        provider = purchase.seller(shop, work.provider)
        options = {**work.options, "label_format": format}
        file: str | bytes | None = None
        try:
            with outside("label_format"):
                label = provider.fetch(work.ref).label
                if label is not None and format not in label.files:
                    label = provider.buy(work.ref, work.rate, options, work.key)
            file = label.files.get(format) if label is not None else None
            if isinstance(file, str):
                file = shipping_jobs.fetch_file(shop, file)
        except c.ProviderError as error:
            raise purchase.said(provider, f"has no {format} of this label", error) from None
        except (BadPicture, OSError) as error:
            raise Refused(f"The label could not be fetched: {error}") from None
        if not file:
            raise Refused(f"{provider.title} does not make this label as {format}.")
        shipping_jobs.keep_label(shop, parcel_id, format, file)
