"""Debian's Chromium, and a person who uses it by the keyboard alone."""

import asyncio
import shutil
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect
from starlette.types import ASGIApp

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    PROGRAM is None, reason="There is no Chromium here: apt-get install chromium, and these run."
)
#: The focused element's name as a screen reader says it, near enough for pages as plain as ours.
_FOCUSED = """() => {
  const at = document.activeElement;
  const label = at.labels && at.labels.length ? at.labels[0].innerText : at.innerText;
  return (label || at.getAttribute("aria-label") || "").trim();
}"""
#: What is wrong with a page, and what axe is not sure about; all that is right with it would take long to tell.
_LOOK = """async () => {
  const found = await axe.run({ resultTypes: ["violations", "incomplete"] });
  const wrong = found.violations.map((each) => `${each.id}: ${each.nodes[0].html}`);
  return { wrong, unsure: found.incomplete.map((each) => each.id) };
}"""
_IS_SEEN = "() => getComputedStyle(document.activeElement).outlineStyle !== 'none'"
_MOST_TABS = 20
_RULES = "MAP *.test 127.0.0.1"
#: The last two are pages of the browser's own that each window prepares, which takes half of its time. Chromium heeds
#: only the last such list, so that what Playwright does without is named again.
_WITHOUT = (
    *("AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay"),
    *("MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
    *("ThirdPartyStoragePartitioning", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
)
#: Neither Playwright nor uvicorn bounds how long its end may take, and a run of tests shall end.
_END_SECONDS = 30
_START_SECONDS = 30


async def ended(ending: Awaitable[object], what: str) -> None:
    """Wait for it, but not for ever: what stays behind loses its pipes with this process, and ends by that."""
    try:
        await asyncio.wait_for(ending, _END_SECONDS)
    except TimeoutError:
        warnings.warn(f"{what} did not end within {_END_SECONDS} s.", stacklevel=2)


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A browser that finds every `.test` on this machine."""
    playwright = await async_playwright().start()
    try:
        browser = await playwright.chromium.launch(
            executable_path=PROGRAM,
            # Root has no sandbox, and tests often run as root.
            args=["--no-sandbox", f"--host-resolver-rules={_RULES}", f"--disable-features={','.join(_WITHOUT)}"],
        )
        try:
            yield browser
        finally:
            await ended(browser.close(), "Chromium")
    finally:
        await ended(playwright.stop(), "Playwright")


async def left(browser: Browser) -> None:
    """Everybody stands up: open windows would be one more thing to wait for at the end."""
    for context in browser.contexts:
        await ended(context.close(), "A window")


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[int]:
    """The app on a real socket; its port."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve(sockets=[taken]))
    try:
        await asyncio.wait_for(_started(server, serving), _START_SECONDS)
        yield taken.getsockname()[1]
    finally:
        server.should_exit = True
        await ended(serving, "The server")


async def _started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started:  # uvicorn has no event for it
        if serving.done():
            serving.result()
        await asyncio.sleep(0.01)


@dataclass
class Person:
    """Somebody at a keyboard, without a mouse; `pictures` is where what they see is kept."""

    page: Page
    address: str
    pictures: Path | None = None
    scheme: str = "light"
    language: str = "en"
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        # A page's own 4xx is what some of these tests are about.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    async def open(self, path: str) -> None:
        await self.page.goto(self.address + path)

    async def type(self, label: str, text: str) -> None:
        """Into the field of this label."""
        await self.go_to(label)
        await self.page.keyboard.type(text)

    async def press(self, label: str, key: str = "Enter") -> None:
        """The button or link of this name; waits for the page that it leads to."""
        await self.go_to(label)
        async with self.page.expect_navigation():
            await self.page.keyboard.press(key)

    async def go_to(self, label: str) -> None:
        """By the tab key, or where the focus is already; wherever it comes it has to be seen."""
        for _ in range(_MOST_TABS):
            if await self.page.evaluate(_FOCUSED) == label:
                assert await self.page.evaluate(_IS_SEEN), f"{label} has the focus, and nobody sees it."
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"{label} can't be reached by the keyboard on {self.page.url}.")

    async def look(self, name: str) -> None:
        """Nothing is wrong with the page for those who see, hear or touch it; a picture of it is kept."""
        await self.page.evaluate(AXE_SCRIPT)
        found = await self.page.evaluate(_LOOK)
        assert not found["wrong"], f"{name}: {found['wrong']}"
        assert not found["unsure"], f"{name}: axe is not sure about {found['unsure']}"
        assert not self.complaints, f"{name}: {self.complaints}"
        assert await self.page.evaluate("document.documentElement.lang") == self.language
        width = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert width <= 0, f"{name} is wider than its window."
        if self.pictures:
            await self.page.screenshot(path=self.pictures / f"{name}-{self.language}-{self.scheme}.png", full_page=True)

    async def cookie(self, name: str) -> str | None:
        found = {each["name"]: each["value"] for each in await self.page.context.cookies()}
        return found.get(name)

    async def arrive(self, title: str) -> None:
        """Wait for the page of this title. Raises AssertionError."""
        await expect(self.page).to_have_title(f"{title} · Stoa")


async def sat_down(
    browser: Browser, address: str, *, language: str = "en", scheme: str = "light", **options: object
) -> Person:
    """A person with a browser of their own; `options` are Playwright's."""
    locale = {"en": "en-US", "ru": "ru-RU"}[language]
    context: BrowserContext = await browser.new_context(locale=locale, color_scheme=scheme, **options)  # type: ignore[arg-type]
    return Person(await context.new_page(), address, scheme=scheme, language=language)
