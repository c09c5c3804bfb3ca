"""Messages: variants by editing and asking again, continuing, deleting, copying, reasoning, formulas, files. Against any daemon first."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from steps import (
    REPLIES, ask, click, click_and_hold_notice, click_stop, count, draft, find, find_all, press_enter, reply_text, running, send,
    stop_a_reply, stored_message, stored_reply, text_box, until, variants, wait_for, wait_idle, wait_ready, wait_reply, wait_streaming,
    watch, watched,
)  # fmt: skip


def test_another_reply_becomes_a_variant_that_survives_a_reload(page):
    page.open()
    first = ask(page, "Name a colour.")
    click(page, f"{REPLIES} [data-action=regenerate]")
    until(page, lambda: variants(page, "assistant") == [2, 2])
    wait_idle(page)
    second = reply_text(page)
    click(page, f"{REPLIES} [data-action=previous]")
    until(page, lambda: variants(page, "assistant") == [1, 2])
    assert reply_text(page) == first
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: variants(page, "assistant") == [1, 2])
    assert reply_text(page) == first
    click(page, f"{REPLIES} [data-action=next]")
    until(page, lambda: reply_text(page) == second)


def test_edited_message_begins_a_branch_and_the_old_one_stays(page):
    page.open()
    ask(page, "Say one.")
    ask(page, "Say two.")
    page.js("document.querySelectorAll('.edit-button')[0].click()")
    editor = wait_for(page, ".editor textarea")
    assert editor.get_attribute("value") == "Say one."
    editor.send_keys(Keys.CONTROL + "a", Keys.BACKSPACE)
    editor.send_keys("Say three.", Keys.ENTER)
    until(page, lambda: count(page, "article") == 2)
    wait_idle(page)
    until(page, lambda: find(page, ".user-bubble").text == "Say three.")
    assert variants(page, "user") == [2, 2]
    click(page, 'article[data-role="user"] [data-action=previous]')
    until(page, lambda: count(page, "article") == 4)
    assert [bubble.text for bubble in find_all(page, ".user-bubble")] == ["Say one.", "Say two."]


@pytest.mark.parametrize("late", [0, 300])
def test_stopped_reply_can_be_continued(page, late):
    """What the server had written before it heard of the stop is part of the reply."""
    page.open(endless=True, late=late)
    stop_a_reply(page, "Count from one to one thousand in words.")
    until(page, lambda: count(page, '[data-action="continue"]') == 1)
    until(page, lambda: stored_message(page).get("state") == "cancelled")
    before = stored_reply(page)
    articles = count(page, "article")
    click(page, '[data-action="continue"]:enabled')
    until(page, lambda: len(stored_reply(page)) > len(before))
    click_stop(page)
    wait_idle(page)
    assert stored_reply(page).startswith(before)
    assert count(page, "article") == articles


def test_escape_leaves_the_editor_without_a_change(page):
    page.open()
    ask(page, "Say hello.")
    text_box(page).send_keys(Keys.ARROW_UP)
    wait_for(page, ".editor textarea").send_keys(" changed", Keys.ESCAPE)
    until(page, lambda: count(page, ".editor") == 0)
    until(page, lambda: find(page, ".user-bubble").text == "Say hello.")


# Against the stand-in


def test_deleted_message_comes_back_by_undo_and_is_gone_for_good_without(page, mock):
    mock.reply = "An answer."
    page.open()
    ask(page, "First")
    ask(page, "Second")
    click_and_hold_notice(page, f"{REPLIES} [data-action=delete]")
    until(page, lambda: count(page, "article") == 3)
    click(page, ".undo-button")
    until(page, lambda: count(page, "article") == 4)
    click_and_hold_notice(page, "article[data-role=user] [data-action=delete]")
    until(page, lambda: count(page, "article") == 2)
    click(page, ".notice .icon-button")
    (session,) = mock.sessions.sessions
    until(page, lambda: len(mock.sessions.messages[session]) == 2)
    page.driver.refresh()
    wait_reply(page)
    assert count(page, "article") == 2


def test_deletion_is_done_when_the_page_is_left_at_once(page, mock):
    mock.reply = "An answer."
    page.open()
    ask(page, "First")
    click(page, f"{REPLIES} [data-action=delete]")
    until(page, lambda: count(page, "article") == 1)
    page.driver.get("about:blank")
    (session,) = mock.sessions.sessions
    until(page, lambda: len(mock.sessions.messages[session]) == 1)


def test_continued_reply_is_asked_for_with_its_own_text_at_the_end(page, mock):
    mock.reply = "Half of it"
    mock.finish_reason = "length"
    page.open()
    ask(page, "Go")
    mock.reply = ", and the rest."
    mock.finish_reason = "stop"
    click(page, '[data-action="continue"]')
    until(page, lambda: reply_text(page) == "Half of it, and the rest.")
    assert [(m["role"], m["content"]) for m in mock.requests[-1]["messages"]] == [("user", "Go"), ("assistant", "Half of it")]
    assert mock.requests[-1]["record"]["message_id"] == mock.requests[0]["record"]["message_id"]


def test_regenerating_names_the_stored_message_and_a_new_reply(page, mock):
    page.open()
    mock.reply = "One."
    ask(page, "Go")
    click(page, f"{REPLIES} [data-action=regenerate]")
    until(page, lambda: len(mock.requests) == 2)
    wait_idle(page)
    before, after = (request["record"] for request in mock.requests)
    assert before["user_message_id"] == after["user_message_id"] and before["message_id"] != after["message_id"]
    assert [m["role"] for m in mock.requests[1]["messages"]] == ["user"]


def test_reasoning_is_folded_and_not_shown_to_the_model_again(page, mock):
    mock.reply = "<think>\nLet me **see**.\n</think>\n\nThe answer."
    page.open()
    assert ask(page, "Go") == "The answer."
    assert "Let me" not in find(page, REPLIES).text
    click(page, ".reasoning-head")
    until(page, lambda: "Let me see." in find(page, ".reasoning-text").text)
    mock.reply = "Fine."
    ask(page, "Next")
    assert [m["content"] for m in mock.requests[-1]["messages"]] == ["Go", "The answer.", "Next"]


def test_formulas_are_drawn_and_prices_stay_prices(page, mock):
    mock.reply = "It is $a^2 + b^2$ and\n\n$$\\int_0^1 x\\,dx$$\n\n\\[ \\frac{1}{2} \\]\n\nfor $5 and $6, \\(x\\), `$y$`."
    page.open()
    ask(page, "Formulas")
    until(page, lambda: count(page, '[data-drawn="true"] .katex') == 4)
    assert count(page, ".katex math") == 4
    until(page, lambda: "for $5 and $6" in find(page, REPLIES).text)
    assert not [code for code in find_all(page, ".markdown code") if code.text != "$y$"]
    assert page.console_errors() == []


def test_code_is_coloured_and_its_parts_are_loaded_on_demand(page, mock):
    mock.reply = "Just text."
    page.open()
    ask(page, "Text")
    assert not [url for url in page.requested_urls() if "highlighter" in url or "math" in url]
    code = "".join(f"def f{n}(x):\n    return '{n}'  # note\n" for n in range(60))
    mock.reply = f'```python\n"""A text\nover lines"""\n{code}```'
    ask(page, "Code")
    until(page, lambda: count(page, "pre .hljs-keyword") >= 60)
    assert find(page, "pre").get_attribute("textContent") == f'"""A text\nover lines"""\n{code}'.rstrip("\n")


def test_pictures_of_other_hosts_are_links(page, mock):
    mock.reply = "![a cat](https://pictures.example/cat.png) and [relative](/somewhere) and [mail](mailto:a@b.example)"
    page.open()
    ask(page, "Picture")
    assert count(page, ".markdown img") == 0
    links = {link.text: link.get_attribute("href") for link in find_all(page, ".markdown a")}
    assert links == {"a cat": "https://pictures.example/cat.png", "mail": "mailto:a@b.example"}
    assert not [url for url in page.requested_urls() if "pictures.example" in url]


def test_queue_and_progress_are_told_before_the_first_word(page, mock):
    mock.queue_positions = [2, 1]
    page.open()
    mock.allowed = 1
    send(page, "Go")
    until(page, lambda: "2 ahead" in find(page, ".waiting").text)
    assert count(page, ".waiting progress") == 0
    mock.allowed = 4
    until(page, lambda: "300 of 900" in find(page, ".waiting").text)
    assert find(page, ".waiting progress").get_property("position") == 300 / 900
    mock.allowed = None
    wait_reply(page)


@pytest.mark.parametrize("limit", ["length", "stop"])
def test_reply_that_reached_its_limit_says_so_and_offers_to_continue(page, mock, limit):
    mock.reply = "word " * 20
    mock.finish_reason = limit
    page.open()
    ask(page, "Go")
    assert (count(page, '[data-action="continue"]') == 1) == (limit == "length")
    assert ("limit of 21 tokens" in find(page, '[data-testid="figures"]').text) == (limit == "length")
    assert mock.requests[0]["body"]["max_tokens"] == 1024


def test_reply_that_filled_the_context_says_so_in_place_of_a_limit(page, mock):
    mock.reply = "word " * 2010
    mock.delay = 0
    mock.finish_reason = "length"
    page.open()
    ask(page, "Go")
    until(page, lambda: "context is full" in find(page, '[data-testid="figures"]').text)


def test_message_edited_while_its_reply_is_written_stops_that_reply(page, mock):
    page.open(endless=True)
    send(page, "One")
    wait_streaming(page)
    click(page, ".edit-button")
    page.let_replies_end()
    mock.reply = "Done."
    wait_for(page, ".editor textarea").send_keys(" and two", Keys.ENTER)
    until(page, lambda: reply_text(page) == "Done." and not running(page) and mock.cancelled == 1)
    assert variants(page, "user") == [2, 2]
    click(page, 'article[data-role="user"] [data-action=previous]')
    wait_reply(page, "cancelled")


def test_reply_whose_question_is_deleted_is_stopped_on_the_server(page, mock):
    page.open(endless=True)
    send(page, "Go")
    wait_streaming(page)
    click_and_hold_notice(page, "article[data-role=user] [data-action=delete]")
    until(page, lambda: mock.cancelled == 1)
    assert count(page, "article") == 0 and not running(page)
    click(page, ".undo-button")
    assert "Stopped" in wait_reply(page, "cancelled").text


DROP = """
const [name, content] = arguments;
const data = new DataTransfer();
data.items.add(new File([typeof content === 'string' ? content : new Uint8Array(content)], name));
for (const type of ['dragover', 'drop'])
    window.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
"""


def test_dropped_text_file_goes_into_the_prompt_and_other_files_do_not(page, mock):
    page.open()
    wait_ready(page)
    text_box(page).send_keys("Explain this: ")
    page.js(DROP, "notes.md", "line\n```\ninner\n```\n")
    until(page, lambda: "notes.md" in draft(page))
    assert draft(page).startswith("Explain this: \n\nnotes.md:\n````md\nline\n```\ninner\n```\n````")
    before = draft(page)
    watch(page, ".notice span")
    page.js(DROP, "picture.png", [137, 80, 78, 71, 0, 255])
    until(page, lambda: [text for text in watched(page, ".notice span") if "picture.png" in text])
    page.js(DROP, "huge.txt", "x" * 1_000_001)
    until(page, lambda: [text for text in watched(page, ".notice span") if "huge.txt" in text])
    assert draft(page) == before


def test_long_message_of_the_reader_is_folded(page, mock):
    page.open()
    wait_ready(page)
    page.js(DROP, "long.txt", "a line\n" * 200)
    until(page, lambda: "long.txt" in draft(page))
    until(page, lambda: press_enter(page))
    wait_reply(page)
    assert find(page, ".user-bubble").text.count("a line") < 30
    click(page, ".more-button")
    assert find(page, ".user-bubble").text.count("a line") == 200
    assert mock.requests[0]["messages"][0]["content"].count("a line") == 200


def test_reply_goes_on_while_another_conversation_is_read_and_two_run_at_once(page, mock):
    mock.reply = "slow " * 300
    mock.allowed = 10
    page.open()
    send(page, "First")
    wait_streaming(page)
    click(page, '[data-action="new"]')
    until(page, lambda: count(page, "article") == 0)
    mock.reply = "quick"
    assert ask(page, "Second") == "quick"
    mock.allowed = None
    assert [request["transport"] for request in mock.requests] == ["ws", "sse"]
    page.driver.find_element(By.XPATH, "//*[@class='conversation-row']//a[contains(., 'First')]").click()
    wait_reply(page, "complete")
    assert reply_text(page).count("slow") == 300
