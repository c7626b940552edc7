"""An image store in memory."""

from __future__ import annotations

import hashlib

from opticworks.testing.fakes.vendor import FakeVendor


class FakeImageStore:
    """Pictures in memory. One key keeps one picture."""

    code = "fake_images"
    title = "Test pictures"

    def __init__(self, vendor: FakeVendor | None = None) -> None:
        self.vendor = vendor or FakeVendor()
        self.kept: dict[str, tuple[bytes, str]] = {}

    def put(self, content: bytes, content_type: str, key: str) -> str:
        def act() -> str:
            id = "img_" + hashlib.sha256(key.encode()).hexdigest()[:16]
            self.kept[id] = (content, content_type)
            return id

        return self.vendor.call("put", act, key)

    def url(self, id: str, width: int, format: str) -> str:
        return f"https://images.example/{id}/{width}.{format}"

    def delete(self, id: str) -> None:
        self.vendor.call("delete", lambda: self.kept.pop(id, None))
