"""The same page in Firefox: dragged over http and from file://, it ends at the numbers of a native fit, and asks nobody."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from browser.conftest import serve  # noqa: F401
from browser.test_live import SPY, write

import kdlite as kd
from kdlite.explorer import Explorer, runtime
from kdlite.explorer.storage import Family, to_mixture

# Debian's, unpacked into a folder with those of its libraries that it wants newer than the system has them.
PACKAGES = ("firefox-esr", "libnss3", "libnspr4", "libvpx7")
DRIVER = "puppeteer-core@25"  # from npm; it speaks WebDriver BiDi
SCRIPT = """
import puppeteer from "puppeteer-core";
const [executablePath, address, spy] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
const page = await browser.newPage();
const asked = [];
page.on("request", (request) => asked.push(request.url()));
await page.evaluateOnNewDocument(spy);
await page.goto(address);
await page.waitForSelector(".kd-handles button");
const { x, y } = await page.$eval(".kd-handles button", (handle) => {
  const box = handle.getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
});
const start = performance.now();
await page.mouse.move(x, y);
await page.mouse.down();
await page.mouse.move(x + 50, y + 30, { steps: 6 });
await page.mouse.up();
const curve = () => said.some(({ content, reply }) => content && reply.kind === "fit") &&
  !document.querySelector(".kd-notes[role=status]").innerText.includes("Fitting");
await page.waitForFunction(curve, { timeout: 300000 });
const said = await page.evaluate(() => said.filter(({ content }) => content).at(-1));
console.log(JSON.stringify({ ...said, asked, milliseconds: performance.now() - start }));
await browser.close();
"""


def call(command, folder, **environment):
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | environment
    )
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def firefox(tmp_path_factory):
    """A function that runs the script on a page, in a Firefox that this brings along where there is none."""
    folder = tmp_path_factory.mktemp("firefox")
    missing = [tool for tool in ("npm", "node") if not shutil.which(tool)]
    found, libraries = shutil.which("firefox-esr") or shutil.which("firefox"), ""
    if not found and not (shutil.which("apt-get") and shutil.which("dpkg")):
        missing.append("firefox")
    if missing:
        pytest.skip(f"no {', '.join(missing)} on this machine")
    if not found:
        call(["apt-get", "download", *PACKAGES], folder)
        for package in folder.glob("*.deb"):
            call(["dpkg", "-x", package, "root"], folder)
        found = folder / "root" / "usr" / "lib" / "firefox-esr" / "firefox-esr"
        libraries = ":".join(map(str, (found.parent, *folder.glob("root/usr/lib/*-linux-gnu"))))
    call(["npm", "install", "--silent", "--no-audit", "--no-fund", DRIVER], folder)
    (folder / "drag.mjs").write_text(SCRIPT)
    environment = {"LD_LIBRARY_PATH": libraries} if libraries else {}
    return lambda address: json.loads(call(["node", "drag.mjs", found, address, SPY], folder, **environment))


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_dragged_mode_ends_at_the_numbers_of_a_native_fit(
    scheme,
    firefox,
    serve,  # noqa: F811
    tmp_path,
    record_property,
):
    write(tmp_path, runtime.scripts()["runtime.js"], Explorer(beta=4))
    home = serve(tmp_path) if scheme == "http" else Path(tmp_path).as_uri()
    said = firefox(f"{home}/page.html")
    answer = Family.from_bytes(base64.b64decode(said["content"]))
    truth = to_mixture(np.array(answer.header["modes"]))
    student = kd.fit_mixture(kd.fit_mixture(truth, 4, n_init=4).sharpen(4), 1)
    expected = [score(student, truth=truth).value for score in (kd.precision, kd.recall)]
    found = answer.arrays["distilled_score"][0, 0, 0, answer.at("betas", 4)]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    inside = ("data:", "blob:", home)
    assert [address for address in said["asked"] if not address.startswith(inside)] == []
    record_property(
        "measured", f"{scheme}: {said['milliseconds']:.0f} ms from the first touch to the whole curve"
    )
