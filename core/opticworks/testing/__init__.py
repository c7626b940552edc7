"""What tests of the kernel and of plugins share: servers, fakes and contract suites."""
