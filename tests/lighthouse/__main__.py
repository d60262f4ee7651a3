"""Measures pages of a demo with Lighthouse and prints the table: `./dev lighthouse [PAGE …]`.

A whole installation is started for it, with three services connected and a briefing asked. Each page is opened as a
phone's browser would over a slow line (Lighthouse's own defaults), signed in where it takes that. The exit code says
whether every page reaches the goals. Source: https://github.com/GoogleChrome/lighthouse/tree/v12.8.2/docs
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from playwright.async_api import async_playwright

from tests.e2e.installation import running
from tests.e2e.journey import ARGS, SERVICES, ask, connect, sign_in

# Of 100.
GOALS = {"performance": 95, "accessibility": 100, "best-practices": 100}
# With four times a slower processor simulated, a page takes about fifteen seconds on two cores.
PAGE_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Target:
    """A page to measure; `cookies` is the header of somebody who is signed in, or ""."""

    name: str
    path: str
    cookies: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """What Lighthouse says of a page: points by category, and the audits that cost some."""

    points: dict[str, int]
    faults: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Tell whether each goal is reached."""
        return all(self.points[name] >= goal for name, goal in GOALS.items())


async def list_targets(url: str) -> list[Target]:
    """Return the pages, after the demo user has connected everything and asked for a briefing."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGS)
        page = await browser.new_page(base_url=url)
        await sign_in(page)
        for slug in SERVICES:
            await connect(page, slug)
        await page.goto("/")
        run = await ask(page, "Brief me for standup")
        chat = urlsplit(page.url).path
        cookies = "; ".join(f"{one.get('name')}={one.get('value')}" for one in await page.context.cookies())
        await browser.close()
    strangers = {"landing": "/", "sign-in": "/accounts/login/"}
    own = {"new chat": "/", "chat": chat, "run": f"/runs/{run}/", "chats": "/chats/"}
    own |= {"permissions": "/settings/permissions/", "audit": "/audit/"}
    return [
        *(Target(name, path) for name, path in strangers.items()),
        *(Target(name, path, cookies) for name, path in own.items()),
    ]


def measure(target: Target, *, url: str, folder: Path) -> Score:
    """Open the page with Lighthouse and return its score."""
    report, headers = folder / "report.json", folder / "headers.json"
    headers.write_text(json.dumps({"Cookie": target.cookies} if target.cookies else {}), encoding="utf-8")
    command = [
        *("node", f"{os.environ['LIGHTHOUSE_NODE_MODULES']}/lighthouse/cli/index.js", f"{url}{target.path}"),
        *("--output=json", f"--output-path={report}", f"--extra-headers={headers}", "--quiet"),
        *(f"--only-categories={','.join(GOALS)}", f"--chrome-flags={' '.join([*ARGS, '--headless=new'])}"),
    ]
    environment = {**os.environ, "CHROME_PATH": shutil.which("chromium") or ""}
    subprocess.run(command, env=environment, check=True, timeout=PAGE_SECONDS)
    return read(json.loads(report.read_text(encoding="utf-8")))


def read(report: dict[str, object]) -> Score:
    """Return the score in a report; an audit that could not be made costs all its points, as Lighthouse counts it."""
    categories, audits = report["categories"], report["audits"]
    assert isinstance(categories, dict)
    assert isinstance(audits, dict)
    # Lighthouse calls what is below 0.9 not good.
    faults = {
        f"{name}: {audits[name]['title']} {audits[name].get('displayValue', '')}".strip()
        for category in categories.values()
        for name in (each["id"] for each in category["auditRefs"] if each["weight"])
        if audits[name]["score"] is not None and audits[name]["score"] < 0.9
    }
    points = {name: round(100 * (categories[name]["score"] or 0)) for name in GOALS}
    return Score(points, tuple(sorted(faults)))


def main(names: list[str]) -> int:
    """Measure the pages named, or all, and return the exit code."""
    with tempfile.TemporaryDirectory() as kept, running(Path(kept)) as installation:
        targets = async_to_sync(list_targets)(installation.app_url)
        unknown = set(names) - {target.name for target in targets}
        if unknown:
            sys.stderr.write(f"There are {', '.join(target.name for target in targets)}.\n")
            return 2
        print(f"{'page':<14}" + "".join(f"{name:>16}" for name in GOALS))  # noqa: T201
        scores = []
        for target in targets:
            if names and target.name not in names:
                continue
            score = measure(target, url=installation.app_url, folder=Path(kept))
            scores.append(score)
            print(f"{target.name:<14}" + "".join(f"{score.points[name]:>16}" for name in GOALS), flush=True)  # noqa: T201
            for fault in score.faults:
                print(f"  {fault}", flush=True)  # noqa: T201
    return 0 if all(score.is_good for score in scores) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
