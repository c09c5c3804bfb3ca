"""Takes the pictures of the web chat in docs/images, of a daemon and its model: `python3 Tests/browser/screenshots.py http://127.0.0.1:8080`.

Run it on a daemon with an empty database: the list of conversations is in the pictures.
"""

import sys
from pathlib import Path

from conftest import Page, start_browser
from steps import ask, close_drawer, new_conversation, open_sidebar, wait_ready

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
EARLIER = {
    "en-US": ["Plan a weekend at the sea", "What is a transformer model?", "Rename these files with a shell script", "Ideas for a birthday"],
    "zh-CN": ["写一封请假邮件", "解释什么是梯度下降", "周末去哪里玩", "帮我给变量起名"],
}
LOOKS = [
    ("web-chat-light", "en-US", "light", 1200, 760, "Write a Python function that counts how often each word occurs in a text."),
    ("web-chat-dark", "zh-CN", "dark", 1200, 760, "Give me a short list of five healthy breakfasts."),
    ("web-chat-phone", "en-US", "dark", 390, 760, "Explain in simple words why the sky is blue."),
    ("web-chat-first", "zh-CN", "light", 390, 760, None),
]


def prepare(page, language):
    """Conversations for the list, without asking the model for replies."""
    page.js(
        """return Promise.all([...arguments].map((title) => fetch('/api/sessions', { method: 'POST',
            headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ title }) })))""",
        *EARLIER[language],
    )
    page.driver.refresh()
    wait_ready(page)


def clear(page):
    page.js(
        """return fetch('/api/sessions?limit=200').then((r) => r.json()).then(({ data }) => Promise.all(
            data.map(({ id }) => fetch(`/api/sessions/${id}`, { method: 'DELETE' }))))"""
    )


def main(address):
    browser = start_browser()
    try:
        page = Page(browser, address)
        for name, language, theme, width, height, question in LOOKS:
            browser.switch_to.new_window("tab")
            page.open(language=language, theme=theme, width=width, height=height, limit=220)
            wait_ready(page)
            clear(page)
            prepare(page, language)
            if question:
                ask(page, question)
                if width > 800:
                    open_sidebar(page)
            else:
                new_conversation(page) if page.js("return document.querySelector('article') !== null") else None
                close_drawer(page)
            page.js("document.querySelector('.conversation').scrollTo(0, 0)")
            file = IMAGES / f"{name}.png"
            browser.save_screenshot(str(file))
            print(f"{file} {file.stat().st_size / 1000:.0f} kB")
    finally:
        browser.quit()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
