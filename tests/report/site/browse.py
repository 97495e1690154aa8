"""Opens the site in Chromium inside a sealed container, uses it, and prints what was seen as JSON.

    python browse.py SITE AXE

Every page is opened from the file system, in both colour schemes and two widths.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
RULES = {
    "preload": False,
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
Seen = dict[str, Any]


def main(site: Path, axe: str) -> Seen:
    seen: Seen = {"pages": [], "faults": [], "axe": [], "ran": [], "wide": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium-headless-shell", args=FLAGS)
        paths = sorted(site.rglob("*.html"))
        for scheme, width in (("light", 1440), ("dark", 390)):
            page = new_page(browser, seen, site, scheme, width)
            kinds: set[tuple[str, ...]] = set()
            for path in paths:
                look(page, path, site, seen)
                kind = (
                    path.relative_to(site).parts[0],
                    path.name if path.parent.parent.name == "runs" else "",
                )
                if kind not in kinds:  # pages of one kind differ in their words alone
                    kinds.add(kind)
                    check(page, path, site, axe, seen)
        page = new_page(browser, seen, site, "light", 1440)
        for use in (board, filters, compare, transcript, files, theme):
            seen[use.__name__] = use(page, site)
        seen["without_script"] = without_script(browser, site)
        browser.close()
    return seen


def new_page(browser: Browser, seen: Seen, site: Path, scheme: Any, width: int) -> Page:
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    faults: Callable[[str], None] = seen["faults"].append
    page.on("console", lambda m: faults(f"console {m.type}: {m.text}"))
    page.on("pageerror", lambda e: faults(f"error: {e}"))
    page.on("dialog", lambda d: (faults(f"dialog: {d.message}"), d.dismiss()))
    page.on("requestfailed", lambda r: faults(f"failed: {r.url}"))
    page.on("request", lambda r: None if r.url.startswith(site.as_uri()) else faults(f"request: {r.url}"))
    return page


def look(page: Page, path: Path, site: Path, seen: Seen) -> None:
    name = str(path.relative_to(site))
    page.goto(path.as_uri())
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    seen["pages"].append([name, page.title()])
    if page.evaluate("window.ran"):
        seen["ran"].append(name)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        seen["wide"].append(f"{name} at {page.evaluate('innerWidth')}")


def check(page: Page, path: Path, site: Path, axe: str, seen: Seen) -> None:
    name = str(path.relative_to(site))
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)
    for fault in found["violations"]:
        targets = [node["target"] for node in fault["nodes"]][:3]
        summary = fault["nodes"][0]["failureSummary"]
        seen["axe"].append(f"{name}: {fault['id']}: {targets}: {summary}")


def column(page: Page, n: int) -> list[str]:
    rows = page.locator("#board tbody tr:visible").all()
    return [row.locator("th, td").nth(n).inner_text().split()[0] for row in rows]


def board(page: Page, site: Path) -> Seen:
    page.goto((site / "index.html").as_uri())
    by_rank = column(page, 1)
    page.get_by_role("button", name="Score", exact=True).click()
    best_first = column(page, 2)
    page.get_by_role("button", name="Score", exact=True).focus()
    page.keyboard.press("Enter")
    state = page.locator("th", has=page.get_by_role("button", name="Score", exact=True)).get_attribute(
        "aria-sort"
    )
    return {"by_rank": by_rank, "best_first": best_first, "worst_first": column(page, 2), "aria_sort": state}


def filters(page: Page, site: Path) -> Seen:
    page.goto((site / "index.html").as_uri())
    seen = {"all": column(page, 1)}
    page.get_by_label("Agent").select_option("aider")
    seen["agent"] = column(page, 1)
    page.reload()
    seen["after_reload"] = column(page, 1)
    page.get_by_label("Agent").select_option("")
    page.get_by_label("Tier").select_option("A")
    seen["tier"] = column(page, 1)
    page.get_by_label("Tier").select_option("")
    page.get_by_label("Task").select_option("notes")
    seen["task"] = column(page, 2)
    seen["effort"] = page.locator("#effort tbody tr:visible").count()
    seen["charts"] = page.locator("[data-chart]:visible").evaluate_all("xs => xs.map(x => x.dataset.chart)")
    page.get_by_label("Find").fill("no such model")
    seen["empty"] = page.get_by_text("No model matches").is_visible()
    page.get_by_role("button", name="Clear the filters").click()
    seen["cleared"] = column(page, 1)
    return seen


def compare(page: Page, site: Path) -> Seen:
    page.goto((site / "compare.html").as_uri())
    heads = page.locator("#compare thead th:visible")
    seen = {"columns": heads.count(), "rows": page.locator("#compare tbody tr:visible").count()}
    seen["told"] = page.locator("#duels li:visible").count()
    seen["untold"] = page.locator("#duels-none").is_visible()
    page.locator(".chips input").nth(2).uncheck()
    seen["all_told"] = not page.locator("#duels-none").is_visible()
    seen["fewer"] = heads.count()
    page.get_by_label("only rows that differ").check()
    seen["differing"] = page.locator("#compare tbody tr:visible").count()
    page.reload()
    seen["after_reload"] = heads.count()
    return seen


def transcript(page: Page, site: Path) -> Seen:
    (path,) = site.glob("runs/chat-good-one-bash-e1*/transcript.html")
    page.goto(path.as_uri())
    turns = page.locator("details.turn")
    seen = {"turns": turns.count(), "open": page.locator("details.turn[open]").count()}
    page.get_by_role("button", name="Open all").click()
    seen["opened"] = page.locator("details.turn[open]").count()
    page.get_by_role("button", name="Close all").click()
    page.get_by_label("Search all turns").fill("NEEDLE-2")
    page.locator(".hits li").first.wait_for()
    seen["hits"] = page.locator(".hits a").all_inner_texts()
    page.locator(".hits a").first.click()
    page.wait_for_selector("#t2[open]")
    seen["revealed"] = page.locator("details.turn[open]").evaluate_all("xs => xs.map(x => x.id)")
    seen["ran"] = page.evaluate("window.ran ?? null")
    return seen


def files(page: Page, site: Path) -> Seen:
    (path,) = site.glob("runs/chat-good-one-bash-e1*/index.html")
    page.goto(path.as_uri())
    page.locator(".place a").first.click()
    page.wait_for_selector(".l:target")
    shown = page.locator(".file:visible h2").all_inner_texts()
    return {"shown": len(shown), "line": page.locator(".l:target").inner_text().strip(), "name": shown[0]}


def theme(page: Page, site: Path) -> Seen:
    page.goto((site / "index.html").as_uri())
    button = page.get_by_role("button", name="Theme")
    colours = []
    for _ in range(3):
        button.click()
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    page.keyboard.press("Control+Home")
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    return {"colours": colours, "first_stop": page.evaluate("document.activeElement.textContent")}


def without_script(browser: Browser, site: Path) -> Seen:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((site / "index.html").as_uri())
    rows = page.locator("#board tbody tr:visible").count()
    page.goto(next(site.glob("runs/*/transcript.html")).as_uri())
    return {"rows": rows, "turns": page.locator("details.turn").count()}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]).read_text())))
