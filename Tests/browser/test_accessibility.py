"""Every feature in both themes, both languages and at three widths, against any daemon; each view is checked with axe-core."""

from pathlib import Path

import axe_core_python
import pytest
from selenium.webdriver.common.keys import Keys

from steps import (
    REPLIES, ask, choose_in_menu, click, click_and_hold_notice, click_and_see, close_dialog, close_drawer, count, find, find_all,
    new_conversation, open_menu, open_settings, open_sidebar, reply_text, stop_a_reply, text_box, titles, until, variants, wait_for,
    wait_idle, wait_ready,
)  # fmt: skip

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
# Everything that axe-core knows of WCAG up to level AA, and its best practices.
RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ['violations'] }).then((result) => done(result.violations.map(
    (violation) => [violation.id, violation.help, violation.nodes.map((node) => node.html.slice(0, 200) + ' ' + node.failureSummary)])))
"""


def check_view(page, width, name):
    """No violation that axe-core finds, nothing wider than the window, and no word on the console."""
    # An element that fades in has another contrast; the views are checked as they come to rest.
    page.js("document.getAnimations().forEach((a) => { try { a.finish() } catch { a.cancel() } })")
    if not page.js("return typeof window.axe === 'object'"):
        page.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE})
    violations = page.driver.execute_async_script(RUN_AXE)
    assert violations == [], (name, violations)
    assert page.js("return document.documentElement.scrollWidth") <= width, name
    assert page.js("const c = document.querySelector('.conversation'); return c.scrollWidth <= c.clientWidth"), name
    assert page.console_errors() == [], name


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize(("language", "lang"), [("en-US", "en"), ("zh-CN", "zh-CN")])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_features_in_every_look(page, theme, language, lang, width):
    page.open(language=language, theme=theme, width=width, height=844, limit=48, endless=True)
    page.let_replies_end()
    wait_ready(page)
    assert page.js("return [document.documentElement.lang, document.documentElement.dataset.theme]") == [lang, theme]
    check_view(page, width, "first page")

    question = "Say hello." if lang == "en" else "说一句你好。"
    ask(page, question)
    assert find(page, '[data-testid="figures"]').text
    check_view(page, width, "reply")

    click(page, f"{REPLIES} [data-action=regenerate]")
    until(page, lambda: variants(page, "assistant") == [2, 2])
    wait_idle(page)
    click(page, f"{REPLIES} [data-action=previous]")
    until(page, lambda: variants(page, "assistant") == [1, 2])
    page.js("document.querySelector('.edit-button').click()")
    wait_for(page, ".editor textarea").send_keys("!")
    check_view(page, width, "editor")
    find(page, ".editor textarea").send_keys(Keys.ENTER)
    until(page, lambda: variants(page, "user") == [2, 2])
    wait_idle(page)
    click_and_see(page, f"{REPLIES} [data-action=copy]", f'{REPLIES} [data-action=copy]:not([data-state="idle"])')
    check_view(page, width, "variants")

    for tab in ("chat", "page", "server", "data"):
        open_settings(page, tab)
        check_view(page, width, f"settings: {tab}")
    close_dialog(page)
    page.js("document.activeElement.blur()")
    find(page, "body").send_keys("?")
    wait_for(page, "dialog .keys")
    check_view(page, width, "keys")
    close_dialog(page)
    click(page, ".status-pill")
    wait_for(page, "#server-details")
    check_view(page, width, "server")
    page.js("document.body.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }))")

    choose_in_menu(page, 0, "rename")
    wait_for(page, ".title-editor").send_keys(f"{theme} {lang} {width}", Keys.ENTER)
    until(page, lambda: titles(page)[0] == f"{theme} {lang} {width}")
    open_menu(page, 0)
    wait_for(page, ".menu")
    check_view(page, width, "menu")
    page.js("return document.activeElement").send_keys(Keys.ESCAPE)
    open_sidebar(page)
    find(page, "#search").send_keys(f"{theme} {lang} {width}")
    until(page, lambda: count(page, ".conversation-row") == 1)
    check_view(page, width, "search")
    find(page, "#search").send_keys(Keys.CONTROL + "a" + Keys.NULL, Keys.BACKSPACE)
    open_menu(page, 0)
    click_and_hold_notice(page, '.menu [data-action="delete"]')
    check_view(page, width, "undo")
    click(page, ".undo-button")
    close_drawer(page)
    new_conversation(page)
    page.js("window.endless = true")
    stop_a_reply(page, "Count to a thousand.")
    check_view(page, width, "stopped")


def test_page_can_be_used_by_keyboard_alone(page, mock):
    """Tab reaches everything in the order of the page, and what has the focus can be seen."""
    page.open(limit=48)
    ask(page, "Say hello.")
    page.js("document.querySelector('.skip-link').focus()")
    seen = []
    for _ in range(40):
        page.js("return document.activeElement").send_keys(Keys.TAB)
        seen.append(
            page.js(
                """const e = document.activeElement;
                const ring = getComputedStyle(e).outlineStyle !== 'none' || getComputedStyle(e.closest('.composer, .search-box') ?? e)
                    .boxShadow !== 'none' || e.closest('.composer') !== null;
                return [e.id || e.dataset.action || e.className || e.tagName, ring]"""
            )
        )
        if seen[-1][0] == "message":
            break
    names = [name for name, _ in seen]
    assert [name for name, ring in seen if not ring and name != "BODY"] == []
    order = ["hide", "new", "search", "settings", "regenerate", "message"]
    assert [name for name in names if name in order] == order, names


def test_dialog_keeps_the_focus_and_gives_it_back(page):
    page.open()
    wait_ready(page)
    opener = find(page, '.header [data-action="settings"]')
    opener.send_keys(Keys.ENTER)
    wait_for(page, "dialog[open]")
    for _ in range(30):
        page.js("return document.activeElement").send_keys(Keys.TAB)
        assert page.js("return document.activeElement === document.body || document.activeElement.closest('dialog') !== null")
    find(page, "dialog").send_keys(Keys.ESCAPE)
    until(page, lambda: count(page, "dialog") == 0)
    assert page.js("return document.activeElement.dataset.action") == "settings"


def test_drawer_on_a_phone_closes_with_escape_and_hides_what_it_covers(page):
    page.open(width=390, height=844)
    wait_ready(page)
    click(page, '.header [data-action="sidebar"]')
    wait_for(page, "#sidebar")
    assert page.js("return document.querySelector('.main-column').inert") is True
    page.js("return document.activeElement").send_keys(Keys.ESCAPE)
    until(page, lambda: count(page, "#sidebar") == 0)
    assert page.js("return document.querySelector('.main-column').inert") is False


def test_reduced_motion_is_respected(page):
    page.open()
    features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    wait_ready(page)
    open_settings(page)
    longest = page.js("return Math.max(0, ...document.getAnimations({ subtree: true }).map((a) => a.effect.getComputedTiming().duration))")
    assert longest <= 1


# Against the stand-in


# What models write without a thought for those who hear the page.
CARELESS_REPLIES = {
    "code in one language twice": "```python\na = 1\n```\n\nand\n\n```python\nb = 2\n```\n",
    "code in no language twice": "```\na = 1\n```\n\nand\n\n```\nb = 2\n```\n",
    "two tables": "| a | b |\n|--|--|\n| 1 | 2 |\n\ntext\n\n| | b |\n|--|--|\n| 1 | 2 |\n",
    "headings that begin deep": "### Three\n\ntext\n\n### Three\n\n##### Five\n\n# One\n",
    "headings that skip levels": "# One\n\n#### Four\n\ntext\n\n> ###### Six\n\n- ## Two\n\n###### Six\n",
    "a heading without text": "## \n\ntext\n\n#### Four\n",
    "links without text": "[](https://example.org), ![](https://example.org/a.png) and "
    "[![](https://example.org/b.png)](https://example.org)",
    "a link to nowhere as heading": "## [](javascript:x)\n\ntext",
    "pictures and links in links": "[![One](https://example.org/a.png) **![Two](https://example.org/b.png)**](https://example.org), "
    "[a [b](https://example.org) c](https://example.org)",
    "empty items": "- [ ] \n- [x] \n-\n\n1.\n",
    "a wide formula": "$$" + "x + " * 200 + "x$$\n\nand \\[" + "y + " * 200 + "y\\]",
    "wide words": "{0} `{0}` https://example.org/{0}\n\n| {0} | b |\n|--|--|\n| 1 | 2 |\n".format("x" * 400),
}


@pytest.mark.parametrize("name", CARELESS_REPLIES)
def test_careless_replies_are_shown_with_care(page, mock, name):
    mock.reply = CARELESS_REPLIES[name]
    page.open(width=390, height=844)
    ask(page, "Everything")
    until(page, lambda: count(page, '.formula-block[data-drawn="false"]') == 0)
    check_view(page, 390, name)
    assert count(page, "a a") == 0
    ask(page, "Once more")
    check_view(page, 390, f"{name}, twice")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_that_a_reply_can_hold_has_names_and_contrast(page, mock, theme):
    mock.reply = (
        "<think>Hm.</think># One\n\n## Two\n\nText with `code`, [link](https://example.org), <kbd>Ctrl</kbd> and $x^2$.\n\n- [x] done\n- [ ] open\n\n"
        "| a | b |\n|--|--:|\n| 1 | 2 |\n\n> quote\n\n```python\n@decorator\nclass A(B):\n    '''doc'''\n    x: int = 1  # note\n"
        "    def f(self): return f'{self.x}' + str(None)\n```\n\n```diff\n- old\n+ new\n```\n\n```html\n<a href='x'>y</a><!-- z -->\n```\n"
    )
    page.open(theme=theme)
    ask(page, "Everything")
    click(page, ".reasoning-head")
    until(page, lambda: count(page, ".katex") > 0 and count(page, ".hljs-comment") > 0)
    check_view(page, 1440, "reply")
    mock.error = ("server_error", "Something broke.")
    page.js("document.querySelector('#message').focus()")
    text_box(page).send_keys("Fail", Keys.ENTER)
    wait_for(page, ".failure")
    check_view(page, 1440, "failure")
    assert reply_text(page) == ""
    assert len(find_all(page, ".failure .retry-button")) == 1
