"""The web chat in a headless Chromium.

Run after frontend/scripts/build: `pytest Tests/browser` (against a stand-in for the daemon), or
`STELLAR_BASE_URL=http://127.0.0.1:8080 pytest Tests/browser` (against a running daemon; tests that steer the server keep the stand-in).
"""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from steps import (
    ask, choose, click, click_stop, count, draft, find, new_conversation, reply_text, running, send,
    stop_a_reply, text_box, until, wait_for, wait_idle, wait_ready, wait_reply, wait_streaming, watch, watched,
)  # fmt: skip


# Against any daemon


def test_page_loads_without_errors_or_requests_to_other_hosts(page):
    page.open()
    wait_ready(page)
    assert page.driver.title == "StellarChat"
    assert count(page, ".example") == 4
    urls = page.requested_urls()
    host = page.url.split("://")[1]
    assert urls and all(url.split("://")[1].startswith(host + "/") for url in urls if not url.startswith(("data:", "about:"))), urls
    assert page.console_errors() == []


def test_empty_page_names_the_running_model(page):
    page.open()
    wait_ready(page)
    model = find(page, ".status-pill .truncate").text
    assert model and model in find(page, '[data-testid="intro"]').text


def test_message_is_answered_and_figures_are_shown(page):
    page.open()
    send(page, "Say hello.")
    reply = wait_reply(page)
    assert reply.text.strip()
    assert text_box(page).get_attribute("value") == ""
    figures = find(page, '[data-testid="figures"]').text
    assert "to first token" in figures and "token" in figures
    assert page.console_errors() == []


def test_reply_grows_while_it_streams(page):
    page.open(endless=True)
    growing = 'article[data-state="streaming"] .markdown'
    watch(page, growing)
    send(page, "Write a long story about the sea.")
    until(page, lambda: len({len(text) for text in watched(page, growing)}) >= 3)
    click_stop(page)
    wait_reply(page, "cancelled")


def test_stop_keeps_what_was_written(page):
    page.open(endless=True)
    assert "Stopped" in stop_a_reply(page, "Count from one to one thousand in words.").text
    text = reply_text(page)
    assert text
    first = page.js("return document.querySelector('article[data-role=assistant]').dataset.id")
    page.let_replies_end()
    ask(page, "And now?")
    assert wait_reply(page).get_attribute("data-id") != first
    assert page.js("return document.querySelector('article[data-role=assistant] .markdown').innerText") == text


def test_shift_enter_starts_a_line_and_enter_of_an_input_method_does_not_send(page):
    page.open()
    wait_ready(page)
    box = text_box(page)
    box.send_keys("one", Keys.SHIFT + Keys.ENTER + Keys.NULL, "two")
    assert box.get_attribute("value") == "one\ntwo"
    for event in ("{key: 'Enter', isComposing: true}", "{key: 'Enter', keyCode: 229}"):
        page.js(f"arguments[0].dispatchEvent(new KeyboardEvent('keydown', {{bubbles: true, cancelable: true, ...{event}}}))", box)
    assert box.get_attribute("value") == "one\ntwo"
    assert count(page, "article") == 0


def test_text_from_an_input_method_is_committed_by_enter_without_sending(page):
    page.open()
    wait_ready(page)
    text_box(page).click()
    page.driver.execute_cdp_cmd("Input.imeSetComposition", {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6})
    key = {"type": "keyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    page.driver.execute_cdp_cmd("Input.dispatchKeyEvent", key)
    page.driver.execute_cdp_cmd("Input.insertText", {"text": "你好"})
    assert count(page, "article") == 0
    assert text_box(page).get_attribute("value") == "你好"


@pytest.mark.parametrize("preferred", ["light", "dark"])
def test_theme_follows_the_system_and_can_be_chosen(page, preferred):
    page.open(theme=preferred)
    wait_ready(page)
    theme = "return document.documentElement.dataset.theme"
    assert page.js(theme) == preferred
    backgrounds = set()
    for chosen in ("dark", "light"):
        choose(page, "theme", chosen)
        assert page.js(theme) == chosen
        backgrounds.add(page.js("return getComputedStyle(document.documentElement).backgroundColor"))
    assert len(backgrounds) == 2
    page.driver.refresh()
    wait_ready(page)
    assert page.js(theme) == "light"
    choose(page, "theme", "system")
    assert page.js(theme) == preferred


@pytest.mark.parametrize(("browser", "lang", "label"), [("zh-CN,en", "zh-CN", "发送"), ("en-GB", "en", "Send"), ("fr-FR", "en", "Send")])
def test_language_follows_the_browser(page, browser, lang, label):
    page.open(language=browser)
    wait_ready(page)
    assert page.js("return document.documentElement.lang") == lang
    assert count(page, f'button[aria-label="{label}"]') == 1


def test_language_can_be_chosen_and_is_kept(page):
    page.open()
    wait_ready(page)
    choose(page, "language", "zh")
    assert page.js("return document.documentElement.lang") == "zh-CN"
    until(page, lambda: "想聊点什么" in find(page, "#greeting").text)
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: "想聊点什么" in find(page, "#greeting").text)


def test_conversation_and_draft_survive_a_reload_and_a_new_conversation_is_empty(page):
    page.open()
    send(page, "Say hello.")
    wait_reply(page)
    before = reply_text(page)
    text_box(page).send_keys("a draft")
    page.driver.refresh()
    wait_ready(page)
    wait_reply(page)
    assert reply_text(page) == before
    assert draft(page) == "a draft"
    new_conversation(page)
    assert count(page, ".example") == 4
    assert draft(page) == ""
    page.driver.back()
    wait_reply(page)
    assert draft(page) == "a draft"


def test_example_prompt_is_sent(page):
    page.open()
    wait_ready(page)
    click(page, ".example:enabled")
    wait_reply(page)
    assert find(page, ".user-bubble").text


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(page, width, theme):
    page.open(width=width, theme=theme)
    wait_ready(page)
    assert page.js("return document.documentElement.scrollWidth") <= width
    send(page, "Show a table and a program.")
    wait_reply(page)
    assert page.js("return document.documentElement.scrollWidth") <= width
    assert page.js("const c = document.querySelector('.conversation'); return c.scrollWidth <= c.clientWidth")


def test_settings_and_stop_work_from_the_keyboard(page):
    page.open(endless=True)
    wait_ready(page)
    focused = "return document.activeElement"
    find(page, '.header [data-action="settings"]').send_keys(Keys.ENTER)
    wait_for(page, "dialog[open]")
    find(page, "#tab-chat").send_keys(Keys.ARROW_RIGHT)
    page.js("document.querySelector('input[name=theme]:checked').focus()")
    page.js(focused).send_keys(Keys.ARROW_LEFT)
    assert page.js("return document.documentElement.dataset.theme") == "dark"
    page.js(focused).send_keys(Keys.ESCAPE)
    until(page, lambda: count(page, "dialog") == 0)
    assert page.js(focused).get_attribute("data-action") == "settings"
    stop_a_reply(page, "Count from one to one thousand in words.", lambda page: text_box(page).send_keys(Keys.ESCAPE))


def test_screen_readers_hear_the_finished_reply_once(page):
    page.open()
    watch(page, "[data-testid=announcer]")
    ask(page, "Say hello.")
    silence, begun, finished = watched(page, "[data-testid=announcer]")
    assert silence == "" and begun
    assert finished.startswith("Reply finished.") and len(finished) > len("Reply finished. ")


# Against the stand-in


def test_whole_conversation_is_sent_in_order(page, mock):
    page.open()
    mock.reply = "First answer."
    send(page, "First question")
    wait_reply(page)
    send(page, "Second question")
    wait_reply(page, replies=2)
    assert [request["transport"] for request in mock.requests] == ["ws", "ws"]
    assert [(m["role"], m["content"]) for m in mock.requests[1]["messages"]] == [
        ("user", "First question"), ("assistant", "First answer."), ("user", "Second question"),
    ]


def test_stop_cancels_on_the_server(page, mock):
    page.open(endless=True)
    stop_a_reply(page, "Go")
    until(page, lambda: mock.cancelled == 1)


def test_messages_left_without_a_reply_reach_the_model_as_one(page, mock):
    mock.error = ("server_error", "No.")
    page.open()
    send(page, "One")
    wait_reply(page, "failed")
    mock.error = None
    send(page, "Two")
    wait_reply(page, "complete")
    assert mock.requests[-1]["messages"] == [{"role": "user", "content": "One\n\nTwo"}]


def test_late_text_of_a_stopped_reply_does_not_reach_the_next_one(page, mock):
    mock.reply = "old "
    page.open(endless=True)
    stop_a_reply(page, "Go")
    mock.reply = "new text"
    page.let_replies_end()
    assert ask(page, "Again") == "new text"


def test_page_falls_back_to_server_sent_events(page, mock):
    mock.refuse_websocket = True
    mock.reply = "Over **events**, 你好 🙂."
    page.open()
    send(page, "Hello")
    reply = wait_reply(page)
    assert reply.find_element(By.CSS_SELECTOR, ".markdown").text == "Over events, 你好 🙂."
    assert [request["transport"] for request in mock.requests] == ["sse"]
    until(page, lambda: "tokens" in find(page, '[data-testid="figures"]').text)


def test_lost_connection_keeps_the_text_and_retry_answers_again(page, mock):
    mock.reply = "word "
    page.open(endless=True)
    send(page, "Go")
    wait_streaming(page)
    text_box(page).send_keys("the next draft")
    mock.stop()
    reply = wait_reply(page, "interrupted")
    assert "word" in reply.text and "connection was lost" in reply.text
    wait_for(page, '.status-pill[data-state="unreachable"]')
    assert not find(page, ".failure button").is_enabled()
    assert text_box(page).get_attribute("value") == "the next draft"
    text_box(page).send_keys(Keys.ENTER)
    assert count(page, 'article[data-role="user"]') == 1
    mock.reply = "All is well."
    page.let_replies_end()
    mock.start()
    wait_ready(page)
    click(page, ".failure button:enabled")
    assert wait_reply(page).find_element(By.CSS_SELECTOR, ".markdown").text == "All is well."
    assert text_box(page).get_attribute("value") == "the next draft"
    assert [m["content"] for m in mock.requests[-1]["messages"]] == ["Go"]


def test_connection_cut_while_idle_is_opened_again_unnoticed(page, mock):
    page.open()
    wait_ready(page)
    until(page, lambda: [event for event in page.network_events() if event["method"] == "Network.webSocketHandshakeResponseReceived"])
    mock.cut_connections()
    until(page, lambda: [event for event in page.network_events() if event["method"] == "Network.webSocketClosed"])
    send(page, "Hello")
    wait_reply(page)


def test_loading_model_is_shown_and_sending_waits(page, mock):
    mock.loading = True
    page.open()
    wait_for(page, '.status-pill[data-state="loading"]')
    text_box(page).send_keys("early", Keys.ENTER)
    assert count(page, "article") == 0 and draft(page) == "early"
    mock.loading = False
    send(page, "")
    wait_reply(page)


def test_servers_own_words_about_an_error_are_shown(page, mock):
    mock.error = ("invalid_request_error", "This model's maximum context length is 2048 tokens <b>.")
    page.open()
    send(page, "Too long")
    assert "maximum context length is 2048 tokens <b>." in wait_reply(page, "failed").text
    mock.error = None
    click(page, ".failure button:enabled")
    wait_reply(page, "complete")


def test_scrolling_up_lets_go_and_jump_to_latest_takes_hold_again(page, mock):
    mock.reply = "A paragraph of the story.\n\n"
    page.open(endless=True)
    send(page, "A long story")
    top = "return document.querySelector('.conversation').scrollTop"
    height = "return document.querySelector('.conversation').scrollHeight"
    distance = "const c = document.querySelector('.conversation'); return c.scrollHeight - c.scrollTop - c.clientHeight"
    until(page, lambda: page.js(top) > 300)
    assert page.js(distance) < 100
    page.js("document.querySelector('.conversation').scrollBy(0, -250)")
    wait_for(page, ".jump-button")
    kept, before = page.js(top), page.js(height)
    until(page, lambda: page.js(height) > before + 500)
    assert page.js(top) == kept and running(page)
    click(page, ".jump-button")
    until(page, lambda: count(page, ".jump-button") == 0 and page.js(distance) < 100)
    before = page.js(height)
    until(page, lambda: page.js(height) > before + 500)
    assert page.js(distance) < 100
    click_stop(page)
    wait_idle(page)
    until(page, lambda: page.js(distance) < 100)


def test_end_stays_in_sight_when_messages_above_it_become_shorter(page, mock):
    """As those do that are asked to be continued no longer once there is a later one."""
    mock.finish_reason = "length"
    page.open(width=390, height=844)
    ask(page, "A table")
    for place, buttons in ((0, 1), (99_999, 0)):
        page.js(f"document.querySelector('.conversation').scrollTo(0, {place})")
        until(page, lambda: count(page, ".jump-button") == buttons)
    mock.error = ("server_error", "Something broke.")
    send(page, "Fail")
    wait_for(page, ".failure")
    distance = "const c = document.querySelector('.conversation'); return c.scrollHeight - c.scrollTop - c.clientHeight"
    until(page, lambda: page.js(distance) < 2 and count(page, ".jump-button") == 0)


def test_copy_works_without_the_clipboard_api(page, mock):
    mock.reply = "```make\nall:\n\techo \"hi\"\n```\n"
    page.open()
    page.js("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.js("document.addEventListener('copy', () => { window.copied = document.activeElement.value })")
    send(page, "Code")
    wait_reply(page)
    click(page, ".code-head [data-action=copy]")
    until(page, lambda: page.js("return window.copied") is not None)
    assert page.js("return window.copied") == 'all:\n\techo "hi"'


def test_markdown_is_rendered(page, mock):
    mock.reply = (
        "# Title\n\nA **bold** [link](https://example.org) and `code`.\n\n- [x] done\n- [ ] open\n\n"
        "| a | b |\n|--|--:|\n| 1 | 2 |\n\n1. one\n   - inner\n2. two\n\n> quote\n\n```swift\nlet a = 1\n```\n"
    )
    page.open()
    send(page, "Markdown")
    wait_reply(page)
    for selector in ("[data-level='1']", "strong", "code", "li.task input:checked", "td[data-align=right]", "ol > li ul", "blockquote", "pre"):
        assert count(page, f".markdown {selector}") >= 1, selector
    link = find(page, ".markdown a")
    assert link.get_attribute("target") == "_blank" and "noopener" in link.get_attribute("rel")


def live_tokens(page):
    """How many tokens the page has drawn of the running reply."""
    return find(page, '[data-testid="live-figures"] li:last-child').get_attribute("textContent").split(" ")[0]


def test_growing_and_finished_rendering_agree(page, mock):
    mock.reply = "\n\n".join([
        "- a\n- b\n\n  more", "text\n===", "    indented", "~~~\nfence\n\n\ttab\n~~~", "<b>html</b> inline", "5. five", "6. six",
        "1. outer\n   ```sh\n   ls\n\n   pwd\n   ```\n   after", "| a | b |\n|--|--|\n| 1 | 2 |", "> quote\n> more", "the end", "really",
    ])  # fmt: skip
    mock.allowed = 0
    page.open()
    watch(page, 'article[data-role="assistant"] .markdown')
    send(page, "Mixed")
    pieces = len(mock._pieces())
    for number in range(1, pieces):
        mock.allowed = number  # the page shows every piece by itself, however busy the machine
        until(page, lambda: live_tokens(page) == str(number))
    mock.allowed = None
    wait_reply(page)
    shown = watched(page, 'article[data-role="assistant"] .markdown')
    assert len(shown) > 20
    assert shown[-1].startswith(shown[-2][:-6])
    code_shown_as_text = [text for text in shown if "~~~\n" in text or "```sh" in text]
    assert code_shown_as_text == []
