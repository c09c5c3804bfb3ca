"""Reload, server restart and network loss in the middle of a reply: what was received stays, and the page recovers by itself."""

import re

import pytest

from steps import (
    REPLIES, ask, click, click_stop, count, draft, find, go_offline, reply_text, send, stored_reply, text_box, until, variants, wait_for,
    wait_idle, wait_ready, wait_reply, wait_streaming,
)  # fmt: skip

LONG = "Write a very long story about the sea, with many chapters."


def start_long_reply(page):
    """A reply that has come some way, is still being written, and has been kept in part; on a page opened with `endless`."""
    send(page, LONG)
    wait_streaming(page, characters=60)
    text = reply_text(page)
    until(page, lambda: len(stored_reply(page)) > 60)
    assert count(page, f'{REPLIES}[data-state="streaming"]') == 1
    return text


def starts_alike(text, other):
    """Apart from marks that are shown as they are until their end has come."""
    bare, start = (re.sub(r"[^\w]+", " ", each).strip() for each in (text, other))
    return len(start) > 30 and bare[:30] == start[:30]


def test_reload_in_the_middle_of_a_reply_keeps_what_was_written(page):
    page.open(endless=True)
    before = start_long_reply(page)
    page.driver.refresh()
    wait_ready(page)
    wait_reply(page, "interrupted")
    assert starts_alike(reply_text(page), before)
    until(page, lambda: find(page, ".user-bubble").text == LONG)
    kept = stored_reply(page)
    click(page, '[data-action="continue"]:enabled')
    until(page, lambda: len(stored_reply(page)) > len(kept))
    click_stop(page)
    wait_idle(page)
    assert stored_reply(page).startswith(kept)


def test_daemon_killed_in_the_middle_of_a_reply_and_started_again(page, own_daemon):
    page.open(endless=True)
    before = start_long_reply(page)
    text_box(page).send_keys("the next draft")
    own_daemon.kill()
    wait_reply(page, "interrupted")
    assert starts_alike(reply_text(page), before)
    wait_for(page, '.status-pill[data-state="unreachable"]')
    own_daemon.start()
    wait_ready(page)
    wait_for(page, ".failure .retry-button:enabled")
    assert draft(page) == "the next draft"
    assert starts_alike(reply_text(page), before)
    page.let_replies_end()
    click(page, ".failure .retry-button:enabled")
    until(page, lambda: (variants(page, "assistant") or [0, 0])[1] >= 2)
    wait_idle(page)
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: (variants(page, "assistant") or [0, 0])[1] >= 2)
    assert draft(page) == "the next draft"


def test_network_lost_in_the_middle_of_a_reply_and_back_again(page):
    page.open(endless=True)
    before = start_long_reply(page)
    go_offline(page, True)
    try:
        wait_for(page, '.status-pill[data-state="unreachable"]')
        assert starts_alike(reply_text(page), before)
        text_box(page).send_keys("written offline")
    finally:
        go_offline(page, False)
    wait_ready(page)
    click_stop(page)
    wait_idle(page)
    page.let_replies_end()
    assert draft(page) == "written offline" and starts_alike(reply_text(page), before)
    text_box(page).clear()
    assert ask(page, "Say hello.") is not None
    assert count(page, "article") == 4


def test_message_that_never_reached_the_server_is_kept_and_sent_with_the_next_try(page, mock):
    mock.reply = "An answer."
    page.open()
    ask(page, "First")
    mock.stop()
    text_box(page).send_keys("Second\n")
    until(page, lambda: count(page, ".failure") == 1 or draft(page) == "Second")
    mock.start()
    wait_ready(page)
    if draft(page):
        text_box(page).send_keys("\n")
    else:
        page.driver.refresh()
        wait_ready(page)
        click(page, ".failure .retry-button:enabled")
    until(page, lambda: count(page, f'{REPLIES}[data-state="complete"]') == 2)
    assert [m["content"] for m in mock.requests[-1]["messages"]] == ["First", "An answer.", "Second"]
    (session,) = mock.sessions.sessions
    assert [m["content"] for m in mock.sessions.messages[session].values()] == ["First", "An answer.", "Second", "An answer."]


def test_archive_that_fails_for_a_while_is_asked_again_though_the_server_says_it_is_well(page, mock):
    mock.reply = "An answer."
    page.open()
    ask(page, "First")
    page.driver.refresh()
    wait_reply(page)
    mock.sessions_fail = True
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: "copies" in find(page, ".sidebar-foot").text and reply_text(page) == "An answer.")
    (session,) = mock.sessions.sessions
    mock.sessions.add(session, {"role": "user", "content": "From a phone"})
    mock.sessions_fail = False
    until(page, lambda: count(page, "article") == 3 and "copies" not in find(page, ".sidebar-foot").text)


@pytest.mark.parametrize("times", [3])
def test_connection_that_is_cut_again_and_again_is_opened_again(page, mock, times):
    mock.reply = "word "
    page.open(endless=True)
    send(page, "Go")
    for _ in range(times):
        wait_streaming(page, characters=60)
        mock.cut_connections()
        wait_reply(page, "interrupted")
        before = len(reply_text(page))
        click(page, '[data-action="continue"]:enabled')
        until(page, lambda: len(reply_text(page)) > before)
        assert mock.requests[-1]["messages"][-1]["role"] == "assistant"
    assert count(page, "article") == 2
