"""Record the animated picture of the README: the explorer in use. Needs Chrome or Chromium.

python tools/explorer_gif.py
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from explorer_pages import page as static_page  # noqa: E402

from kdlite.explorer import Explorer  # noqa: E402

OUT = ROOT / "book" / "images" / "explorer.gif"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STEP, PAUSE = 130, 1100  # milliseconds a frame
# What the reader does: a slider, how many stops to the right, and how long the last frame stays.
STORY = (("β", 19, PAUSE), ("student components", 2, PAUSE), ("β", -15, PAUSE), ("teacher components", 2, PAUSE),
         ("β", 15, PAUSE), ("truth weights", 1, PAUSE))  # fmt: skip


def main() -> None:
    """Play the story and write the picture."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit("no Chrome or Chromium on this machine, so nothing was recorded")
    frames, durations = [], []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "page.html").write_text(static_page([Explorer(beta=1)], theme="light"))
        browser = playwright.chromium.launch(executable_path=browser_path)
        page = browser.new_page(viewport={"width": 780, "height": 800})
        page.goto((Path(folder) / "page.html").as_uri())
        page.add_style_tag(
            content="h1, .kd-notes, .kd-buttons, .kd-more .kd-numbers { display: none !important } input { outline: 0 !important }"
        )
        page.locator(".kd-more summary").click()
        page.wait_for_timeout(500)
        figure = page.locator(".kd-figure")

        def record(duration: int) -> None:
            image = Image.open(io.BytesIO(figure.screenshot())).convert("RGB")
            frames.append(image)
            durations.append(duration)

        record(PAUSE)
        for name, stops, pause in STORY:
            slider = page.get_by_label(name, exact=True)
            for _ in range(abs(stops)):
                slider.press("ArrowRight" if stops > 0 else "ArrowLeft")
                record(STEP)
            durations[-1] = pause
        browser.close()
    width, height = (min(frame.size[i] for frame in frames) for i in (0, 1))
    palette = frames[len(frames) // 2].quantize(255, method=Image.Quantize.MAXCOVERAGE)
    small = [frame.crop((0, 0, width, height)).quantize(palette=palette, dither=0) for frame in frames]
    OUT.parent.mkdir(exist_ok=True)
    small[0].save(OUT, save_all=True, append_images=small[1:], duration=durations, loop=0, optimize=True)
    print(f"{OUT.relative_to(ROOT)}: {len(small)} frames, {OUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
