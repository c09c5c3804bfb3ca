"""The server for work on the page: `npm run dev`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import Page
from steps import ask, until, wait_ready

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"


@pytest.fixture
def serve_sources(tmp_path):
    """Starts `npm run dev` on a copy of the sources, with variables of its own; gives its address."""
    copy = tmp_path / "frontend"
    shutil.copytree(FRONTEND, copy, ignore=shutil.ignore_patterns("dist", ".cache"), symlinks=True)
    environment = tailwind()
    servers = []

    def start(**variables):
        from daemon import free_port

        port = free_port()
        command = ["node", copy / "scripts/dev.mjs"]
        servers.append(subprocess.Popen(command, env={**os.environ, **environment, "PORT": str(port), **variables}, stdout=subprocess.PIPE))
        for line in servers[-1].stdout:
            if b"http://" in line:
                return f"http://localhost:{port}", copy
        pytest.fail("npm run dev has ended")

    yield start
    for server in servers:
        server.terminate()
        server.wait(30)


def tailwind():
    """Where the build has put the program that makes the style sheet, unless it is one of node_modules."""
    program = FRONTEND.parent / ".cache" / "venv" / "bin" / "tailwindcss"
    return {"TAILWINDCSS": str(program)} if program.exists() and "TAILWINDCSS" not in os.environ else {}


def test_pages_reach_the_daemon_and_are_loaded_anew_after_a_change(page, mock, serve_sources):
    mock.reply = "Hello from behind the proxy."
    address, sources = serve_sources(STELLAR_DAEMON=mock.url)
    other = Page(page.driver, address, is_mock=True).open()
    assert ask(other, "Hello") == "Hello from behind the proxy."
    assert mock.requests[0]["transport"] == "ws"
    other.js("window.old = true")
    texts = sources / "src/utils/texts/english.ts"
    texts.write_text(texts.read_text().replace("What’s on your mind?", "What has changed?"))
    until(other, lambda: other.js("return window.old === undefined && document.readyState === 'complete'"))
    other.driver.get(address)
    until(other, lambda: other.js("return document.querySelector('#greeting')?.textContent") == "What has changed?")
    assert other.console_errors() == []


def test_page_built_for_a_daemon_elsewhere_asks_that_one(page, mock, serve_sources):
    address, _ = serve_sources(VITE_API_URL=mock.url)
    other = Page(page.driver, address, is_mock=True)
    other.requested_urls()
    other.open()
    until(other, lambda: f"{mock.url}/api/health" in other.requested_urls())
