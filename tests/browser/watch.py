"""Looks over a page's shoulder: whatever goes wrong on any page fails the test that opened it."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request, Response

_POLICY = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`Content-Security-Policy: ${event.violatedDirective} blocked ${event.blockedURI}`);
});
"""

_HARMLESS = (
    # A refused page (404, 409, 422) is logged too; other requests are judged by their answers.
    "Failed to load resource",
    # htmx's words for an update that a newer one replaced, as hx-sync tells it to.
    "htmx:afterRequest",
    "htmx:sendAbort",
)


class Watch:
    """Collects script errors, console errors, blocked or failed requests and foreign hosts."""

    def __init__(self, page: Page, base: str) -> None:
        self.base = base
        self.wrong: list[str] = []
        self.requests: list[Request] = []
        page.add_init_script(_POLICY)
        page.on("pageerror", lambda error: self.wrong.append(f"script error: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_HARMLESS):
            self.wrong.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        self.requests.append(request)
        if not request.url.startswith((self.base + "/", "data:", "about:", "blob:")):
            self.wrong.append(f"foreign host: {request.url}")

    def _response(self, response: Response) -> None:
        document = response.request.resource_type == "document"
        if response.status >= 500 or (response.status >= 400 and not document):
            self.wrong.append(f"{response.status} for {response.url}")

    def posts(self, path: str) -> int:
        """How often that path was posted to."""
        return sum(r.method == "POST" and urlsplit(r.url).path == path for r in self.requests)
