"""Pages opened in a real Chromium, over http and from file://, with other hosts out of reach."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from explorer_pages import page

READY = ".kd-explorer :is(.kd-words:not(:empty), .kd-message:not([hidden]))"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def serve():
    """Serve a folder on 127.0.0.1 and return its address."""
    servers = []

    def start(folder):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Watched:
    """A browser page and all that went wrong on it."""

    def __init__(self, page):
        self.page = page
        self.faults = []
        page.on("console", lambda message: message.type == "error" and self.faults.append(message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("requestfailed", lambda request: self.faults.append(f"failed: {request.url}"))
        page.route("**/*", self.keep_to_this_machine)

    def keep_to_this_machine(self, route):
        address = urlsplit(route.request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
            self.faults.append(f"other host: {route.request.url}")
            route.abort()
        else:
            route.continue_()

    def open(self, address):
        self.page.goto(address)
        self.page.evaluate("() => document.fonts.ready.then(() => true)")


@pytest.fixture
def watched(browser):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield Watched(context.new_page())


@pytest.fixture
def show(watched, tmp_path):
    """Open a page of explorers and wait until each has drawn, or has said why not."""

    def open_page(*explorers, home=None, ready=READY, **options):
        (tmp_path / "page.html").write_text(page(explorers, **options))
        watched.open(f"{home or tmp_path.as_uri()}/page.html")
        views = options.get("views") or explorers
        watched.page.locator(ready).nth(len(views) - 1).wait_for()
        return watched.page

    return open_page
