"""Settings and what they do to requests, shortcuts, and the API key."""

from selenium.webdriver.common.keys import Keys

from steps import (
    ask, choose, click, close_dialog, count, fill, find, new_conversation, open_settings, reply_text, send, shown_text, text_box, until,
    wait_for, wait_ready, wait_reply,
)  # fmt: skip


def test_generation_settings_and_system_prompt_reach_the_server_and_last(page, mock):
    page.open()
    wait_ready(page)
    open_settings(page)
    for name, value in {"temperature": "0,5", "topP": "0.9", "topK": "20", "maxTokens": "77", "seed": "7", "stop": "END"}.items():
        fill(page, name, value)
    fill(page, "systemPrompt", "Be brief.")
    close_dialog(page)
    ask(page, "Hello")
    body = mock.requests[0]["body"]
    expected = {"temperature": 0.5, "top_p": 0.9, "top_k": 20, "max_tokens": 77, "seed": 7, "stop": ["END"]}
    assert {name: body.get(name) for name in expected} == expected
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    page.driver.refresh()
    wait_reply(page)
    ask(page, "Again")
    assert mock.requests[1]["body"]["seed"] == 7 and mock.requests[1]["body"]["messages"][0]["content"] == "Be brief."
    new_conversation(page)
    ask(page, "In a new chat")
    body = mock.requests[2]["body"]
    assert body["temperature"] == 0.5 and body["messages"][0]["role"] == "user"


def test_numbers_that_make_no_sense_are_marked_and_not_sent(page, mock):
    page.open()
    wait_ready(page)
    open_settings(page)
    for name, value in {"temperature": "warm", "topP": "2", "topK": "1.5", "maxTokens": "-3"}.items():
        fill(page, name, value)
        assert find(page, f'[name="{name}"]').get_attribute("aria-invalid") == "true"
    close_dialog(page)
    ask(page, "Hello")
    assert not {"temperature", "top_p", "top_k"} & set(mock.requests[0]["body"])


def test_zero_lifts_the_limit_of_a_reply_and_the_box_says_so(page, mock):
    page.open()
    wait_ready(page)
    until(page, lambda: "1" in find(page, ".limit-button").text and "024" in find(page, ".limit-button").text)
    click(page, ".limit-button")
    fill(page, "maxTokens", "0")
    close_dialog(page)
    until(page, lambda: "No limit" in find(page, ".limit-button").text)
    ask(page, "Hello")
    assert "max_tokens" not in mock.requests[0]["body"]


def test_reply_comes_in_one_piece_where_streaming_is_off(page, mock):
    mock.reply = "All at once."
    page.open()
    wait_ready(page)
    open_settings(page, "page")
    click(page, 'input[name="streaming"]')
    close_dialog(page)
    assert ask(page, "Hello") == "All at once."
    assert mock.requests[0]["transport"] == "http"
    page.driver.refresh()
    until(page, lambda: reply_text(page) == "All at once.")


def test_text_size_is_kept(page, mock):
    page.open()
    wait_ready(page)
    size = "return parseFloat(getComputedStyle(document.documentElement).fontSize)"
    before = page.js(size)
    choose(page, "fontSize", "large")
    assert page.js(size) > before
    page.driver.refresh()
    wait_ready(page)
    assert page.js(size) > before


def test_server_that_wants_a_key_gets_it_over_both_transports(page, mock):
    mock.api_key = "secret"
    page.open()
    wait_for(page, ".composer-hint .link-button")
    until(page, lambda: "API key" in find(page, ".sidebar-foot").text)
    text_box(page).send_keys("my draft")
    click(page, ".composer-hint .link-button")
    wait_for(page, "#api-key").send_keys("wrong", Keys.ENTER)
    until(page, lambda: count(page, "dialog") == 0)
    send(page, "")
    reply = wait_reply(page, "failed")
    assert "API key" in reply.text
    click(page, '.failure [data-action="key"]')
    field = wait_for(page, "#api-key")
    field.send_keys(Keys.CONTROL + "a" + Keys.NULL, "secret", Keys.ENTER)
    until(page, lambda: count(page, "dialog") == 0)
    until(page, lambda: count(page, ".composer-hint .link-button") == 0)
    click(page, ".failure .retry-button:enabled")
    wait_reply(page, "complete")
    assert [m["content"] for m in mock.requests[-1]["messages"]] == ["my draft"]
    mock.refuse_websocket = True
    mock.cut_connections()
    ask(page, "Again")
    assert mock.requests[-1]["transport"] == "sse"


def test_shortcuts_do_what_their_list_says(page, mock):
    page.open()
    ask(page, "Hello")
    body = find(page, "body")
    text_box(page).send_keys(Keys.CONTROL + "k")
    until(page, lambda: page.js("return document.activeElement.id") == "search")
    page.js("document.activeElement.blur()")
    body.send_keys("?")
    wait_for(page, "dialog .keys")
    page.js("return document.activeElement").send_keys(Keys.ESCAPE)
    until(page, lambda: count(page, "dialog") == 0)
    page.js("document.activeElement.blur()")
    body.send_keys("/")
    until(page, lambda: page.js("return document.activeElement.id") == "message")
    text_box(page).send_keys("?/")
    assert text_box(page).get_attribute("value") == "?/"
    text_box(page).send_keys(Keys.CONTROL + Keys.SHIFT + "s")
    until(page, lambda: count(page, "#sidebar") == 0)
    text_box(page).send_keys(Keys.CONTROL + Keys.SHIFT + "o")
    until(page, lambda: count(page, "article") == 0)
    text_box(page).send_keys(Keys.CONTROL + ",")
    wait_for(page, "dialog .tabs")


def test_context_gauge_warns_before_the_context_is_full(page, mock):
    page.open()
    mock.reply = "word " * 100
    ask(page, "Hello")
    gauge = find(page, ".context-gauge")
    assert gauge.get_attribute("data-full") == "false"
    mock.reply = "word " * 1800
    mock.delay = 0
    send(page, "More")
    until(page, lambda: find(page, ".context-gauge").get_attribute("data-full") == "true")
    wait_reply(page, replies=2)
    until(page, lambda: "nearly full" in find(page, "#composer-hint").text)


def test_details_are_told_in_the_language_of_the_page(page, mock):
    page.open(language="zh-CN")
    wait_ready(page)
    until(page, lambda: "上下文：" in find(page, '[data-testid="intro"]').text)
    click(page, ".status-pill")
    assert "1 小时 10 分钟" in shown_text(page, "#server-details")


def test_details_of_server_and_model_are_told(page):
    page.open()
    wait_ready(page)
    click(page, ".status-pill")
    details = shown_text(page, "#server-details")
    assert find(page, ".status-pill").text in details and "Ready" in details
