"""Takes the pictures of the web chat in docs/images: `python3 Tests/browser/screenshots.py http://127.0.0.1:8080`.

Without an address the empty page of the stand-in is taken; with one, a conversation with the model that runs there.
"""

import sys
from pathlib import Path

from conftest import Page, start_browser
from mock_daemon import MockDaemon
from test_chat import send, wait_ready, wait_reply

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
QUESTIONS = {"light": ("en-US", "Explain in simple words why the sky is blue."), "dark": ("zh-CN", "Why do leaves turn red in autumn?")}


def main(address):
    browser = start_browser()
    try:
        page = Page(browser, address or MockDaemon().start().url)
        for theme, (language, question) in QUESTIONS.items():
            browser.switch_to.new_window("tab")
            page.open(language=language, theme=theme, width=1200, height=760)
            wait_ready(page)
            if address:
                send(page, question)
                wait_reply(page)
            file = IMAGES / f"web-chat-{theme}.png"
            browser.save_screenshot(str(file))
            print(f"{file} {file.stat().st_size / 1000:.0f} kB")
    finally:
        browser.quit()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/") if len(sys.argv) > 1 else None)
