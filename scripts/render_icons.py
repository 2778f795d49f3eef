"""Render the app's icons from `static/img/favicon.svg`, with a headless Chromium.

    python scripts/render_icons.py

Run it after a change of the drawing, and commit the PNGs: servers need no browser.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).resolve().parent.parent / "static/img"
BACKGROUND = "#155f4d"
"""The drawing's own ground; a maskable icon is cut to any shape, so it fills all."""
ICONS = {
    "icon-192.png": (192, 1.0, "transparent"),
    "icon-512.png": (512, 1.0, "transparent"),
    "icon-maskable-512.png": (512, 0.72, BACKGROUND),  # inside the safe zone of 80 %
    "apple-touch-icon.png": (180, 0.86, BACKGROUND),
}


def main() -> None:
    """Write all of them."""
    drawing = (IMAGES / "favicon.svg").read_text(encoding="utf-8")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("No Chromium was found.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        )
        for name, (size, scale, ground) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            side = round(size * scale)
            page.set_content(
                f"<style>body{{margin:0;display:grid;place-items:center;"
                f"height:100vh;background:{ground}}}"
                f"svg{{width:{side}px;height:{side}px}}</style>{drawing}"
            )
            page.screenshot(path=IMAGES / name, omit_background=ground == "transparent")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
