"""A browser for the tests in this folder: Debian's Chromium, headless, driven by Playwright."""

import shutil

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOCAL = ("file:", "about:", "data:", "blob:")


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("pygraphviz")
    path = shutil.which("chromium")
    if not path:
        pytest.skip("needs chromium on the PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page that fails the test if it logs an error or asks for anything that is not a file."""
    context = chromium.new_context(
        viewport={"width": 1280, "height": 760}, reduced_motion="reduce", offline=True
    )
    page = context.new_page()
    wrong = []
    page.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("request", lambda r: r.url.startswith(LOCAL) or wrong.append(r.url))
    yield page
    context.close()
    assert wrong == []
