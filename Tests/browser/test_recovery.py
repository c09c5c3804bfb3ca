"""Reload, server restart and network loss in the middle of a reply: what was received stays, and the page recovers by itself."""

import time

import pytest

from steps import (
    REPLIES, ask, click, count, draft, find, go_offline, reply_text, send, text_box, until, variants, wait_for, wait_idle, wait_ready,
    wait_reply,
)  # fmt: skip

LONG = "Write a very long story about the sea, with many chapters."


def start_long_reply(page):
    """A reply that has come some way and is still being written."""
    for _ in range(6):
        if count(page, "article") == 0:
            send(page, LONG)
        else:
            click(page, f"{REPLIES} [data-action=regenerate]")
        until(page, lambda: len(reply_text(page)) > 40 or count(page, f'{REPLIES}[data-state="complete"]') > 0)
        if count(page, f'{REPLIES}[data-state="streaming"]') > 0:
            return reply_text(page)
    raise AssertionError("every reply ended at once")


def starts_alike(text, other):
    return text[:30] == other[:30]


def test_reload_in_the_middle_of_a_reply_keeps_what_was_written(page):
    page.open(limit=1024)
    before = start_long_reply(page)
    time.sleep(1.2)
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: count(page, f'{REPLIES}[data-state="interrupted"], {REPLIES}[data-state="complete"]') == 1)
    assert len(reply_text(page)) >= 20 and starts_alike(reply_text(page), before)
    assert find(page, ".user-bubble").text == LONG
    if count(page, '[data-action="continue"]'):
        length = len(reply_text(page))
        click(page, '[data-action="continue"]')
        wait_idle(page)
        assert len(reply_text(page)) >= length


def test_daemon_killed_in_the_middle_of_a_reply_and_started_again(page, own_daemon):
    page.open(limit=1024)
    before = start_long_reply(page)
    time.sleep(1.2)
    text_box(page).send_keys("the next draft")
    own_daemon.kill()
    wait_reply(page, "interrupted")
    assert starts_alike(reply_text(page), before)
    wait_for(page, '.status-pill[data-state="unreachable"]')
    own_daemon.start()
    wait_ready(page)
    until(page, lambda: page.js("return !document.querySelector('.failure .retry-button').disabled"))
    assert draft(page) == "the next draft"
    assert starts_alike(reply_text(page), before)
    click(page, ".failure .retry-button")
    until(page, lambda: (variants(page, "assistant") or [0, 0])[1] >= 2)
    click(page, '[data-action="stop"]') if count(page, '[data-action="stop"]') else None
    wait_idle(page)
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: (variants(page, "assistant") or [0, 0])[1] >= 2)
    assert draft(page) == "the next draft"


def test_network_lost_in_the_middle_of_a_reply_and_back_again(page):
    page.open(limit=250)
    before = start_long_reply(page)
    go_offline(page, True)
    try:
        wait_for(page, '.status-pill[data-state="unreachable"]')
        assert starts_alike(reply_text(page), before)
        text_box(page).send_keys("written offline")
    finally:
        go_offline(page, False)
    wait_ready(page)
    until(page, lambda: count(page, '[data-action="stop"]') == 0, 180)
    assert draft(page) == "written offline" and starts_alike(reply_text(page), before)
    text_box(page).clear()
    assert ask(page, "Say hello.") is not None
    assert count(page, "article") == 4


def test_message_that_never_reached_the_server_is_kept_and_sent_with_the_next_try(page, mock):
    mock.reply = "An answer."
    page.open()
    ask(page, "First")
    mock.stop()
    page.js("window.dispatchEvent(new Event('noop'))")
    text_box(page).send_keys("Second\n")
    until(page, lambda: count(page, ".failure") == 1 or draft(page) == "Second")
    mock.start()
    wait_ready(page)
    if draft(page):
        text_box(page).send_keys("\n")
    else:
        page.driver.refresh()
        wait_ready(page)
        until(page, lambda: count(page, ".failure .retry-button") == 1)
        until(page, lambda: page.js("return !document.querySelector('.failure .retry-button').disabled"))
        click(page, ".failure .retry-button")
    until(page, lambda: count(page, f'{REPLIES}[data-state="complete"]') == 2)
    assert [m["content"] for m in mock.requests[-1]["messages"]] == ["First", "An answer.", "Second"]
    (session,) = mock.sessions.sessions
    assert [m["content"] for m in mock.sessions.messages[session].values()] == ["First", "An answer.", "Second", "An answer."]


@pytest.mark.parametrize("times", [3])
def test_connection_that_is_cut_again_and_again_is_opened_again(page, mock, times):
    mock.reply = "word " * 600
    page.open()
    send(page, "Go")
    for number in range(times):
        wait_for(page, f'{REPLIES}[data-state="streaming"]')
        until(page, lambda: len(reply_text(page)) > 60)
        mock.cut_connections()
        wait_reply(page, "interrupted")
        until(page, lambda: page.js("return !document.querySelector('.continue-button').disabled"))
        before = len(reply_text(page))
        click(page, '[data-action="continue"]')
        until(page, lambda: len(reply_text(page)) > before)
        assert mock.requests[-1]["messages"][-1]["role"] == "assistant"
    assert count(page, "article") == 2
