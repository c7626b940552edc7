"""What the stand-in knows of addresses: enough to verify, correct and refuse some."""

from __future__ import annotations

import hashlib
import re
from typing import Any

#: Cities by the first three digits of their ZIP.
CITIES = {
    "100": "NEW YORK",
    "606": "CHICAGO",
    "770": "HOUSTON",
    "787": "AUSTIN",
    "902": "REDONDO BEACH",
    "941": "SAN FRANCISCO",
    "981": "SEATTLE",
}
SUFFIXES = {
    "AVENUE": "AVE",
    "BOULEVARD": "BLVD",
    "COURT": "CT",
    "DRIVE": "DR",
    "LANE": "LN",
    "ROAD": "RD",
    "STREET": "ST",
}
NOWHERE = re.compile(r"nowhere|unknown|^invalid$", re.IGNORECASE)


def errors(address: dict[str, Any]) -> list[dict[str, Any]]:
    """Why nothing can be delivered there; empty when something can."""
    street = address.get("street1") or ""
    found = []
    if NOWHERE.search(street) or not street or address.get("state") == "ZZ":
        found.append(_error("E.ADDRESS.NOT_FOUND", "address", "Address not found"))
    if not re.search(r"\d", street):
        found.append(_error("E.HOUSE_NUMBER.MISSING", "street1", "House number is missing"))
    return found


def _error(code: str, field: str, message: str) -> dict[str, Any]:
    return {"code": code, "field": field, "message": message, "suggestion": None}


def normalised(address: dict[str, Any]) -> dict[str, Any]:
    """The address as a carrier writes it: capitals, short suffixes, ZIP+4, the right city."""
    street = " ".join(filter(None, (address.get("street1"), address.get("street2")))).upper()
    street = " ".join(SUFFIXES.get(word, word) for word in re.sub(r"[.,]", "", street).split())
    code = str(address.get("zip") or "").upper()
    city = str(address.get("city") or "").upper()
    if address.get("country") == "US":
        city = CITIES.get(code[:3], city)
        if re.fullmatch(r"\d{5}", code):
            digits = int(hashlib.sha256(street.encode()).hexdigest(), 16) % 9000 + 1000
            code = f"{code}-{digits}"
    upper = {name: (address.get(name) or "").upper() or None for name in ("name", "company")}
    return {**upper, "street1": street, "street2": "", "city": city, "zip": code}


def verify(address: dict[str, Any]) -> dict[str, Any]:
    """Verify the address, which becomes a carrier's if it is good; its `verifications`."""
    wrong = errors(address)
    success = not wrong
    place = {"latitude": 37.79, "longitude": -122.4, "time_zone": "America/Los_Angeles"}
    if success:
        address.update(normalised(address), residential=False)
    address["verifications"] = {
        "zip4": {"success": success, "errors": wrong, "details": None},
        "delivery": {"success": success, "errors": wrong, "details": place if success else {}},
    }
    found: dict[str, Any] = address["verifications"]
    return found
