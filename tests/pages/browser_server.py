"""A real browser in front of the real handlers: the API on a loopback port, Chromium, and axe."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from local.http_api import Request, Response
from local.server import Handle, Server
from tests.harness import World

ARTIFACTS = Path(__file__).parents[2] / "build" / "artifacts" / "booking-page"
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)  # fmt: skip
SERIOUS = {"serious", "critical"}


def chromium() -> str | None:
    """Where the browser is: CHROMIUM, or what the machine calls it."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


@contextmanager
def served(answer: Handle) -> Iterator[str]:
    """Something on a port of its own; its origin."""
    server = Server(0, answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def one_at_a_time(world: World) -> Handle:
    """The gateway, for a browser that asks for many things at once: handlers in this process share a connection."""
    lock = threading.Lock()

    def answer(request: Request) -> Response:
        with lock:
            return world.gateway.handle(request)

    return answer


class Visitor:
    """Somebody with a browser of their own, and what they see."""

    def __init__(self, browser: Browser, origin: str, name: str, **how: Any) -> None:
        self.origin, self.name = origin, re.sub(r"\W+", "-", name).strip("-")
        options = {"timezone_id": "Europe/Berlin", "viewport": {"width": 1200, "height": 900}, "locale": "en"} | how
        self.has_scripts = bool(how.get("java_script_enabled", True))
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(30_000)
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> Page:
        self.page.goto(self.origin + path)
        return self.page

    def shoot(self, what: str) -> None:
        """A screenshot among the artifacts of the run."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=ARTIFACTS / f"{self.name}-{what}.png", full_page=True)

    def faults(self) -> list[str]:
        """What axe finds on the page that is serious, and what would scroll sideways. Nothing where no script runs: axe is one."""
        if not self.has_scripts:
            return []
        # The policy of the page lets no other script run; axe comes in beside it, as an extension does.
        session = self.context.new_cdp_session(self.page)
        world = session.send("Page.createIsolatedWorld", {"frameId": self._frame(session), "worldName": "axe"})["executionContextId"]
        session.send("Runtime.evaluate", {"expression": AXE, "contextId": world})
        shape = "found => found.violations.map(one => [one.impact, one.id, one.nodes.map(node => node.html).join(' ')])"
        run = f"axe.run(document, {{resultTypes: ['violations']}}).then({shape})"
        evaluation = session.send("Runtime.evaluate", {"expression": run, "contextId": world, "awaitPromise": True, "returnByValue": True})
        violations = evaluation["result"]["value"]
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return [f"{impact} {rule}: {html}" for impact, rule, html in violations if impact in SERIOUS] + (
            ["scrolls sideways"] if wide > 0 else []
        )

    def _frame(self, session: Any) -> str:
        return str(session.send("Page.getFrameTree")["frameTree"]["frame"]["id"])


AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
