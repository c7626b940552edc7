"""The fakes keep the contracts that they stand for."""

from opticworks.testing.contracts import fakes


class TestFakeOnlinePayment(fakes.OnlinePayment):
    pass


class TestFakeOfflinePayment(fakes.OfflinePayment):
    pass


class TestFakeShipping(fakes.Shipping):
    pass


class TestFakeImageStore(fakes.ImageStore):
    pass


class TestFakeAddressVerifier(fakes.AddressVerifier):
    pass


class TestFakeMailer(fakes.Mailer):
    pass
