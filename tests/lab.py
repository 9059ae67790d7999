"""A JupyterLab of its own, for the tests and timings that need a live kernel."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat


@contextlib.contextmanager
def jupyterlab(folder: Path):
    """Serve a folder on 127.0.0.1, with settings that leave the user's own alone; gives the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        f"JUPYTER_{kind}_DIR": str(folder / ".jupyter" / kind.lower())
        for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    overrides = folder / ".jupyter" / "config" / "labconfig"
    overrides.mkdir(parents=True)
    (overrides / "default_setting_overrides.json").write_text(
        '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}'
    )
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
               "--port-retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]  # fmt: skip
    with (folder / "server.log").open("w") as log:
        environment = {**os.environ, **own, "IPYTHONDIR": str(folder / ".jupyter" / "ipython")}
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api").close()
                break
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not start:\n{(folder / 'server.log').read_text()}")
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def write_notebook(path: Path, *cells: str) -> None:
    """A notebook of these code cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel}), path)


def run_all(page, address: str, notebook: str) -> None:
    """Open a notebook and run all its cells, as a reader would."""
    page.goto(f"{address}/lab/workspaces/{Path(notebook).stem}/tree/{notebook}")
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
