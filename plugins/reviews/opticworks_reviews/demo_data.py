"""Reviews for the demo's products: with many stars and with few, some still waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select

from opticworks.contracts import Ctx
from opticworks_reviews.models import PUBLISHED, WAITING, Decision, Review


class Said(NamedTuple):
    """One review: how many days ago, by whom, what."""

    sku: str
    days: int
    name: str
    stars: int
    headline: str
    body: str
    status: str = PUBLISHED
    answer: str = ""


PRODUCTS = {
    "RS1-": ("/products/rs-1-sensor", "RS-1 Presence Sensor"),
    "POE-MOD": ("/products/poe-module", "PoE Module"),
    "IAQ-MOD": ("/products/iaq-module", "IAQ Module"),
    "MNT-KIT": ("/products/mounting-kit", "Mounting Kit"),
    "CBL-": ("/products/usb-c-cable", "USB-C Cable"),
    "INJ-": ("/products/poe-injector", "PoE Injector"),
    "BND-HOME": ("/products/whole-home-bundle", "Whole-Home Bundle"),
}
OPTIONS = {
    "RS1-PRO-WHT": "Pro / Matte white",
    "RS1-PRO-GRA": "Pro / Graphite",
    "RS1-LITE-WHT": "Lite / Matte white",
    "RS1-LITE-GRA": "Lite / Graphite",
    "CBL-2M-GRA": "2 m / Graphite",
    "CBL-1M-WHT": "1 m / White",
    "INJ-US": "US",
}
REVIEWS = (
    Said("RS1-PRO-WHT", 6, "Marta K.", 5, "Lights stay on while I read",
         "Finally a sensor that knows I am on the sofa. Found by Home Assistant within a minute, "
         "and the zones are easy to draw once you know where the wall is."),
    Said("RS1-PRO-GRA", 11, "Jonas W.", 5, "Replaced four PIR sensors",
         "One per room instead of two. No false alarms from the cat since I set the lower edge of "
         "the zone to 60 cm."),
    Said("RS1-LITE-WHT", 15, "Priya S.", 4, "Good, with a bit of tuning",
         "Out of the box it saw the ceiling fan as a person. An exclusion zone fixed it. One star "
         "less because the manual hides that on page nine."),
    Said("RS1-PRO-WHT", 19, "Tom B.", 2, "The fan problem",
         "Two of my three rooms have ceiling fans and the Pro notices both. The exclusion zone "
         "helps, but then it misses me at the desk under the fan.",
         answer="Thank you for the details. Firmware 1.8 tells a fan by its rhythm; write to us "
         "if it does not help and we take the sensor back."),
    Said("RS1-LITE-GRA", 24, "Elena R.", 5, "Tiny and quiet", "Disappears on the bookshelf."),
    Said("RS1-PRO-GRA", 33, "Sam O.", 4, "Solid hardware",
         "Two months in, no restarts. Wish it came with a longer cable."),
    Said("RS1-LITE-WHT", 41, "Ingrid H.", 3, "Does what it says",
         "Presence is reliable up to five metres, beyond that it depends on the wall behind you."),
    Said("RS1-PRO-WHT", 52, "Dave M.", 5, "Local and fast",
         "Everything stays in the house and the light is on before I am through the door."),
    Said("POE-MOD", 9, "Chris L.", 5, "One cable, done", "Clicked on, flashed nothing, works."),
    Said("POE-MOD", 27, "Yuki T.", 4, "Gets warm", "Within spec, but warm in a closed box."),
    Said("IAQ-MOD", 13, "Nadia F.", 5, "CO₂ next to presence",
         "The office fan now runs by CO₂ and only while somebody is there."),
    Said("IAQ-MOD", 30, "Paul G.", 3, "Takes a week to settle",
         "The first days showed nonsense until it had calibrated itself. Fine since then."),
    Said("MNT-KIT", 17, "Rosa D.", 5, "Strong magnet", "Holds on the fridge, comes off at once."),
    Said("MNT-KIT", 38, "Ben A.", 1, "Pads took the paint off",
         "The adhesive pads are strong. Too strong for my wall.",
         answer="We are sorry about your wall. The kit has screws too, and we have added a warning "
         "about fresh paint to the leaflet."),
    Said("CBL-2M-GRA", 21, "Olaf N.", 5, "Nice braid", ""),
    Said("CBL-1M-WHT", 45, "Grace P.", 4, "", "Short, white, works."),
    Said("INJ-US", 26, "Hank V.", 4, "Small", "No coil whine, which I can't say of the last one."),
    Said("BND-HOME", 18, "Lucia M.", 5, "The whole flat in an afternoon",
         "Four sensors, four mounts, and cheaper than one by one."),
    Said("RS1-PRO-WHT", 1, "Amir Z.", 2, "Missed me in the shower",
         "Steam seems to be too much for it. Everywhere else it is fine.", WAITING),
    Said("IAQ-MOD", 1, "Kate J.", 5, "Just what I wanted", "Snapped on, found at once.", WAITING),
)  # fmt: skip


def load(ctx: Ctx) -> None:
    """Add those that are missing, with orders that stand for the buyers' own."""
    known = {tuple(row) for row in ctx.db.execute(select(Review.email, Review.product))}
    for number, said in enumerate(REVIEWS, 1):
        start = next(start for start in PRODUCTS if said.sku.startswith(start))
        product, title = PRODUCTS[start]
        email = f"{said.name.split()[0].lower()}@example.com"
        if (email, product) in known:
            continue
        at = ctx.now - timedelta(days=said.days, hours=number)
        row = Review(
            product=product,
            sku=said.sku,
            title=title,
            options=OPTIONS.get(said.sku, ""),
            order_number=f"DEMO-{number:04}",
            email=email,
            name=said.name,
            stars=said.stars,
            headline=said.headline,
            body=said.body,
            verified=True,
            status=said.status,
            created_at=at,
            published_at=at if said.status == PUBLISHED else None,
            answer=said.answer,
            answered_at=at if said.answer else None,
        )
        ctx.db.add(row)
        ctx.db.flush()
        ctx.db.add(Decision(review_id=row.id, action="written", actor="", at=at))
        if said.status == PUBLISHED:
            ctx.db.add(Decision(review_id=row.id, action=PUBLISHED, actor="demo", at=at))
