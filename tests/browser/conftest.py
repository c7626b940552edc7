"""Chromium and a shop for it to visit."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from opticworks.embedded import create_database, drop_database
from opticworks.testing.fakes import FakeAddressVerifier, provider_plugin

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from .site import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: For Chromium in a container, as root, without a screen and without calling home.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE = 60_000  # milliseconds: a busy machine is no failure
REQUIRED = bool(os.environ.get("OPTICWORKS_REQUIRE_BROWSER"))


def _missing() -> str:
    """Why there can be no browser here, "" if there can."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed: run 'make install'."
    if CHROMIUM is None:
        return "Chromium is not installed: on Debian, 'apt-get install chromium'."
    return ""


def pytest_pycollect_makemodule(module_path: Any, parent: Any) -> pytest.Module | None:
    """Without Playwright the modules can't even be imported: report them as skipped."""
    missing = _missing()
    if not missing or REQUIRED or importlib.util.find_spec("playwright"):
        return None
    return _Unavailable.from_parent(parent, path=module_path)  # type: ignore[no-any-return]


class _Unavailable(pytest.Module):
    def collect(self) -> Any:
        raise pytest.skip.Exception(_missing(), allow_module_level=True)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this folder."""
    if missing := _missing():
        if REQUIRED:
            pytest.fail(missing)
        pytest.skip(missing)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(
    embedded_servers: Any,
    worker_number: int,
    worker_redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The demo shop, served until the tests of this process end."""
    from .site import Site, database_of

    name = f"opticworks_browser_{os.getpid()}_{worker_number}"
    database_url = create_database(embedded_servers, name)
    # Other tests of this worker empty theirs.
    redis_url = database_of(worker_redis_url, 15 - worker_number)
    verifier = provider_plugin("fake_verifier", address_verifiers=[FakeAddressVerifier()])
    folder = tmp_path_factory.mktemp("site")
    site = Site(database_url, redis_url, folder, extra={"fake_verifier": verifier})
    yield site
    site.close()
    drop_database(embedded_servers, name)


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """visit(width=390) is a page of a new visitor; whatever goes wrong on it fails the test.

    Options are those of Playwright's `new_context`. `page.watch` knows its requests.
    """
    from .watch import Watch

    watches: list[Watch] = []
    contexts = []

    def visit(width: int = 1280, height: int = 844, **options: Any) -> Page:
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(
            base_url=site.url, viewport={"width": width, "height": height}, **options
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.watch = Watch(page, site.url)  # type: ignore[attr-defined]
        watches.append(page.watch)  # type: ignore[attr-defined]
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [wrong for watch in watches for wrong in watch.wrong] == []


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    """A new visitor with a wide window."""
    return visit()


@pytest.fixture
def phone(visit: Callable[..., Page]) -> Page:
    """A new visitor with a telephone."""
    return visit(width=390, is_mobile=True, has_touch=True)


@pytest.fixture
def signed_in(visit: Callable[..., Page], site: Site) -> Callable[..., Page]:
    """signed_in(width=390) is a page of staff; options are those of `visit`."""

    def signed_in(**options: Any) -> Page:
        return visit(storage_state=site.staff_state(visit), **options)

    return signed_in


@pytest.fixture
def someone(request: pytest.FixtureRequest) -> str:
    """An e-mail address that no other test uses."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[:60]
    return f"{name.strip('-')}@example.com"
