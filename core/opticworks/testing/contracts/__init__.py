"""What every provider of a kind must do, as pytest classes to subclass with a fixture `provider`.

    from opticworks.testing import PaymentProviderContract

    class TestBankTransfer(PaymentProviderContract):
        offline = True

        @pytest.fixture
        def provider(self):
            return BankTransfer(...)

A case that does not apply is skipped with the reason. Each suite is itself tested: every case
fails for at least one deliberately broken provider.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{suite}"
        for suite in ("addresses", "common", "images", "mailer", "payment", "shipping")
    )
)
