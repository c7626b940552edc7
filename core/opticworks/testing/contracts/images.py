"""The contract of ImageStore."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from opticworks.contracts import ImageStore
from opticworks.testing.contracts.common import ProviderContract, at_once

#: The smallest picture there is: one transparent pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5E"
    "rkJggg=="
)


class ImageStoreContract(ProviderContract):
    """Subclass it with a fixture `provider`; override `stored`."""

    def stored(self, provider: Any) -> int:
        """How many pictures the store keeps."""
        raise NotImplementedError("Override stored() in the subclass.")

    def ask(self, provider: Any) -> object:
        return provider.put(PIXEL, "image/png", "key-down")

    def test_has_every_method_of_the_contract(self, provider: Any) -> None:
        assert isinstance(provider, ImageStore)

    def test_put_keeps_the_picture_and_answers_its_id(self, provider: Any) -> None:
        id = provider.put(PIXEL, "image/png", "key-1")
        assert isinstance(id, str)
        assert 0 < len(id) <= 255
        assert self.stored(provider) == 1

    def test_put_repeated_with_its_key_keeps_one_picture(self, provider: Any) -> None:
        ids = {provider.put(PIXEL, "image/png", "key-1") for _ in range(2)}
        assert len(ids) == 1
        assert self.stored(provider) == 1

    def test_put_with_one_key_in_many_threads_keeps_one_picture(self, provider: Any) -> None:
        ids = at_once(lambda: provider.put(PIXEL, "image/png", "key-1"))
        assert len(set(ids)) == 1
        assert self.stored(provider) == 1

    def test_two_keys_are_two_pictures(self, provider: Any) -> None:
        ids = {provider.put(PIXEL, "image/png", f"key-{i}") for i in range(2)}
        assert len(ids) == 2

    def test_addresses_can_be_put_into_a_page(self, provider: Any) -> None:
        id = provider.put(PIXEL, "image/png", "key-1")
        url = provider.url(id, 640, "webp")
        parts = urlsplit(url)
        assert parts.scheme == "https" or (not parts.scheme and parts.path.startswith("/"))
        assert not set(url) & set(" <>\"'")

    def test_each_width_and_format_has_an_address_of_its_own(self, provider: Any) -> None:
        id = provider.put(PIXEL, "image/png", "key-1")
        wanted = [(width, format) for width in (320, 640) for format in ("avif", "webp")]
        assert len({provider.url(id, width, format) for width, format in wanted}) == len(wanted)

    def test_an_address_stays_the_same(self, provider: Any) -> None:
        id = provider.put(PIXEL, "image/png", "key-1")
        assert provider.url(id, 640, "webp") == provider.url(id, 640, "webp")

    def test_delete_removes_the_picture_and_may_be_repeated(self, provider: Any) -> None:
        id = provider.put(PIXEL, "image/png", "key-1")
        provider.delete(id)
        provider.delete(id)
        assert self.stored(provider) == 0
