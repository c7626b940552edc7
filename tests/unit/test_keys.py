"""Derived keys and the vault for stored secrets."""

import pytest

from opticworks.web.keys import UnknownKey, Vault, derive, sign

OLD, NEW = "old-root-secret-" * 3, "new-root-secret-" * 3


def test_every_purpose_has_a_key_of_its_own():
    assert derive(OLD, "csrf") != derive(OLD, "cart")
    assert derive(OLD, "csrf") != derive(NEW, "csrf")
    assert derive(OLD, "csrf") == derive(OLD, "csrf")
    assert len(derive(OLD, "csrf")) == 32


def test_a_signature_depends_on_key_and_text():
    key = derive(OLD, "csrf")
    assert sign(key, "a") != sign(key, "b")
    assert sign(key, "a") != sign(derive(OLD, "cart"), "a")


def test_a_stored_secret_comes_back_and_does_not_show():
    stored = Vault(OLD).encrypt("sk_live_123")
    assert "sk_live_123" not in stored
    assert Vault(OLD).decrypt(stored) == "sk_live_123"


def test_the_root_secret_can_be_replaced():
    stored = Vault(OLD).encrypt("sk_live_123")
    vault = Vault(NEW, OLD)
    assert vault.decrypt(stored) == "sk_live_123"
    assert vault.outdated(stored)
    fresh = vault.rotate(stored)
    assert not vault.outdated(fresh)
    assert vault.rotate(fresh) == fresh
    assert Vault(NEW).decrypt(fresh) == "sk_live_123"


@pytest.mark.parametrize("spoil", [lambda s: s[:-6] + "AAAAA=", lambda s: "nonsense", lambda s: ""])
def test_a_spoilt_value_or_a_lost_root_secret_is_a_sentence(spoil):
    stored = Vault(OLD).encrypt("sk_live_123")
    with pytest.raises(UnknownKey, match="enter the value again"):
        Vault(OLD).decrypt(spoil(stored))
    with pytest.raises(UnknownKey):
        Vault(NEW).decrypt(stored)
