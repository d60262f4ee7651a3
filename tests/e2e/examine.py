"""What is wrong with a page as it stands: by axe-core's rules for WCAG 2.2 A and AA, and by reflow."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

EVERYTHING: dict[str, object] = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# The rules that see a theme: it changes colours and nothing else, since both are `static/tokens.css`.
COLOURS: dict[str, object] = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
WIDTHS = (1280, 320)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
Show = Callable[[], Awaitable[None]]
RUN = "(options) => axe.run(options)"
# The last element with the focus, or none: what a person sees of it is its outline, or its frame's.
FOCUS_IS_SEEN = """() => {
  const drawn = ({ outlineStyle, outlineWidth, boxShadow }) =>
    (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  let element = document.activeElement;
  for (let frame = 0; element && frame < 2; frame += 1, element = element.parentElement) {
    if (drawn(getComputedStyle(element))) return true;
  }
  return false;
}"""
NAME = """() => {
  const element = document.activeElement;
  return (element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent).trim();
}"""
COLLECT = "addEventListener('securitypolicyviolation', (event) => reportViolation(event.violatedDirective));"


async def faults(page: Page, *, of: dict[str, object] = EVERYTHING) -> list[str]:
    """Return each rule that the page breaks, with the element that breaks it."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(Axe().axe_script)
    rules = await page.evaluate(RUN, {"runOnly": of, "resultTypes": ["violations"]})
    return [f"{rule['id']}: {node['html'][:160]}" for rule in rules["violations"] for node in rule["nodes"]]


async def examine(page: Page, show: Show, *, name: str, widths: tuple[int, ...] = WIDTHS) -> list[str]:
    """Return what is wrong with what `show` shows on the page, at each width, and with its colours in the dark."""
    wrong: list[str] = []
    for theme, rules in zip(THEMES, (EVERYTHING, COLOURS), strict=True):
        # Before the page is opened: a browser does not repaint all of an open popover when the theme changes.
        await page.emulate_media(color_scheme=theme)
        await page.set_viewport_size({"width": widths[0], "height": 800})
        await show()
        for width in widths:
            await page.set_viewport_size({"width": width, "height": 800})
            wrong += [f"{name}, {width} px, {theme}: {fault}" for fault in await faults(page, of=rules)]
            if not await page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                wrong.append(f"{name}, {width} px: scrolls sideways")
    await page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    return wrong


async def tab_stops(page: Page, *, limit: int = 60) -> list[str]:
    """Return the names of what the Tab key reaches, in order; each shows that it has the focus."""
    names: list[str] = []
    for _ in range(limit):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement === document.body"):
            break
        names.append(" ".join(str(await page.evaluate(NAME)).split()))
        assert await page.evaluate(FOCUS_IS_SEEN), f"nothing shows that {names[-1]!r} has the focus"
    return names


@asynccontextmanager
async def strict_visitor(browser: Browser, url: str) -> AsyncIterator[tuple[Page, list[str]]]:
    """A stranger's page, and the directives of the Content Security Policy that anything on it went against."""
    context = await browser.new_context(reduced_motion="reduce", base_url=url)
    violations: list[str] = []

    def report(directive: str) -> None:
        violations.append(directive)

    await context.expose_function("reportViolation", report)
    await context.add_init_script(COLLECT)
    yield await context.new_page(), violations
    await context.close()
