"""Take the picture of an audit in the README: small models from scratch, and the page that kdlite audit writes of them.
Needs Chrome or Chromium.

python tools/audit_picture.py
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from explorer_gif import BROWSERS, ROOT, shutil
from playwright.sync_api import sync_playwright

from kdlite import lm

OUT = ROOT / "book" / "images" / "audit.png"
LANGUAGE = lm.Language(64, 16, (1,), eos=0)
SMALL = lm.Shape(hidden=16, layers=1, heads=1, key_heads=1, mlp=32)
RECIPE = lm.Recipe(learning_rate=1e-2, decay=0.5, epochs=3, texts_per_step=64, rows_per_pass=64)
TEXTS = 6144  # that each student learns from


def main() -> None:
    """Train, audit, open the page and write the picture."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        sys.exit("no Chrome or Chromium on this machine, so no picture was taken")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        out = Path(folder)
        truth = lm.new(lm.Shape(hidden=32, layers=2, heads=2, key_heads=1, mlp=64), LANGUAGE, seed=0).sharpen(
            3
        )
        models = {"truth": truth, "teacher": truth.sharpen(1.5)}
        for name, writer in (("direct", truth), ("student", models["teacher"])):
            texts = lm.Corpus.draw(writer, out / f"{name}-texts", n=TEXTS, seed=1, sampler=name)
            models[name] = lm.fit(lm.new(SMALL, LANGUAGE, seed=1), texts, RECIPE, out / f"{name}-training")
        for name, model in models.items():
            model.save(out / name)
        roles = [word for name in models for word in (f"--{name}", out / name)]
        command = [
            sys.executable,
            "-m",
            "kdlite",
            "audit",
            *roles,
            "--n",
            "1024",
            "--out",
            out / "report.html",
        ]
        subprocess.run(command, check=True)
        browser = playwright.chromium.launch(executable_path=browser_path)
        page = browser.new_page(viewport={"width": 760, "height": 900})
        page.goto((out / "report.html").as_uri())
        bottom = page.locator("figure").bounding_box()
        clip = {"x": 0, "y": 0, "width": 760, "height": bottom["y"] + bottom["height"] + 8}
        page.screenshot(path=OUT, clip=clip, full_page=True)
        browser.close()
    print(f"{OUT.relative_to(ROOT)}: {OUT.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
