"""The console as a person sees it: opening it, finding things on it, and noticing what a person would not."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.browser.server import Server

LOCALES = {"en": "en-GB", "zh": "zh-CN"}
HTML_LANG = {"en": "en", "zh": "zh-CN"}
OPEN = "state=new&state=in_progress"
PATIENCE_MS = 60_000

expect.set_options(timeout=PATIENCE_MS)


class Console:
    """Opens pages in contexts of their own. ``faults`` collects what no page may do: errors in the console, broken
    rules of the content security policy (they are such errors), and requests to anywhere but the server."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser, self._server = browser, server
        self._contexts: list[BrowserContext] = []
        self._allowed: list[str] = []
        self.faults: list[str] = []
        self.requests: list[Request] = []

    def context(self, *, lang: str = "en", theme: str = "light", signed_in: bool = True,
                still: bool = False) -> BrowserContext:  # fmt: skip
        """A browser of somebody new; ``still``: who has asked the system for less motion."""
        context = self._browser.new_context(
            locale=LOCALES[lang], color_scheme="dark" if theme == "dark" else "light", timezone_id="Asia/Shanghai",
            viewport={"width": 1440, "height": 900}, reduced_motion="reduce" if still else "no-preference")  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        if signed_in:
            context.add_cookies([self._server.cookie()])  # type: ignore[list-item]
        context.on("page", self._watch)
        self._contexts.append(context)
        return context

    def open(self, path: str = "/overview", *, lang: str = "en", theme: str = "light", signed_in: bool = True) -> Page:
        """A page of somebody new, loaded."""
        return self.visit(self.context(lang=lang, theme=theme, signed_in=signed_in).new_page(), path)

    def visit(self, page: Page, path: str) -> Page:
        """Go to an address of the console and wait for its content."""
        page.goto(path if path.startswith("http") else self._server.url + path)
        return settled(page)

    def allow(self, *patterns: str) -> None:
        """Errors that this test provokes, as regular expressions."""
        self._allowed += patterns
        self.faults = [f for f in self.faults if not any(re.search(p, f) for p in patterns)]

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _watch(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda e: self._fault(f"{page.url}: {e}"))
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._fault(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _asked(self, request: Request) -> None:
        self.requests.append(request)
        if urlsplit(request.url).scheme in ("data", "blob"):
            return
        if urlsplit(request.url).netloc != urlsplit(self._server.url).netloc:
            self._fault(f"asked elsewhere: {request.url}")

    def _fault(self, text: str) -> None:
        if not any(re.search(p, text) for p in self._allowed):
            self.faults.append(text)


def settled(page: Page) -> Page:
    """The page has a heading and nothing on it is still being loaded."""
    expect(page.locator("h1").first).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    return page


def rows(page: Page) -> Locator:
    """The alerts that the queue shows."""
    return page.locator('[role=row]:not([aria-rowindex="1"])')


def row(page: Page, alert: dict[str, Any]) -> Locator:
    """The line of one alert."""
    return rows(page).filter(has=page.locator(f'a[href$="alert={alert["id"]}"]'))


def ids(page: Page) -> list[str]:
    """Ids of the alerts that are shown, from the top."""
    links = rows(page).locator("a[href*='alert=']").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    indices = rows(page).evaluate_all("all => all.map(r => Number(r.getAttribute('aria-rowindex')))")
    return [link.partition("alert=")[2] for _, link in sorted(zip(indices, links, strict=True))]


def focused(page: Page) -> str:
    """Id of the alert whose line has the keyboard, or nothing."""
    return page.evaluate("new URLSearchParams(document.activeElement?.getAttribute('href') ?? '').get('alert') ?? ''")


def panel(page: Page) -> Locator:
    """The alert that is open beside the queue."""
    return page.locator("aside.detail")


def number(text: str) -> float:
    """The first number of a text: ``1,204 alerts``."""
    found = re.search(r"[\d,]+(?:\.\d+)?", text)
    assert found, text
    return float(found[0].replace(",", ""))
