"""The list of conversations: search, titles, pins, deletion, export and import. Against any daemon first."""

import json

import pytest
from selenium.webdriver.common.keys import Keys

import steps
from conftest import DOWNLOADS
from steps import ask, choose_in_menu, click, count, downloaded, find, find_all, new_conversation, open_settings, titles, until, wait_for, wait_ready


def test_conversation_gets_a_title_and_is_found_by_what_was_said_in_it(page):
    page.open()
    ask(page, "**Wombats**: how many live in a burrow?\nMore.")
    assert titles(page)[0] == "Wombats: how many live in a burrow?"
    assert "/c/" in page.driver.current_url
    new_conversation(page)
    ask(page, "Say hello.")
    find(page, "#search").send_keys("burrow")
    until(page, lambda: titles(page)[:1] == ["Wombats: how many live in a burrow?"] and "Say hello." not in titles(page))
    find(page, "#search").send_keys(Keys.CONTROL + "a" + Keys.NULL, "no such text anywhere")
    until(page, lambda: titles(page) == [])
    find(page, "#search").send_keys(Keys.ESCAPE)
    until(page, lambda: "Say hello." in titles(page))


def test_conversation_can_be_renamed_pinned_and_both_last(page):
    page.open()
    ask(page, "Say hello.")
    choose_in_menu(page, 0, "rename")
    wait_for(page, ".title-editor").send_keys("A better title", Keys.ENTER)
    until(page, lambda: titles(page)[0] == "A better title")
    new_conversation(page)
    ask(page, "Something newer.")
    choose_in_menu(page, "A better title", "pin")
    until(page, lambda: titles(page)[0] == "A better title")
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: titles(page)[:1] == ["A better title"])
    choose_in_menu(page, 0, "pin")
    until(page, lambda: titles(page)[0] != "A better title")


def delete_conversation(page):
    """The first of the list; its notice stays."""
    steps.open_menu(page, 0)
    steps.click_and_hold_notice(page, '.menu [data-action="delete"]')


def test_deleted_conversation_comes_back_by_undo(page):
    page.open()
    ask(page, "Delete me, please.")
    address = page.driver.current_url
    delete_conversation(page)
    until(page, lambda: count(page, "article") == 0)
    assert "Delete me, please." not in titles(page)
    click(page, ".undo-button")
    until(page, lambda: titles(page)[:1] == ["Delete me, please."] and count(page, "article") == 2)
    assert page.driver.current_url == address
    delete_conversation(page)
    click(page, ".notice .icon-button")
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: count(page, ".conversation-list > section, .conversation-list > p") > 0)
    assert "Delete me, please." not in titles(page)
    page.driver.get(address)
    wait_for(page, '[role="alert"]')


def test_conversation_exported_as_json_can_be_imported_again(page):
    page.open()
    answer = ask(page, "Export this.")
    choose_in_menu(page, 0, "export-json")
    file = downloaded(page, "*.json", DOWNLOADS)
    document = json.loads(file.read_text())
    assert document["format"] == "stellarchat.session" and document["version"] == 1
    assert [message["role"] for message in document["messages"]] == ["user", "assistant"]
    document["session"]["title"] = "Came back"
    file.write_text(json.dumps(document))
    open_settings(page, "data")
    find(page, 'input[name="import"]').send_keys(str(file))
    until(page, lambda: "Came back" in titles(page))
    steps.close_dialog(page)
    page.js("[...document.querySelectorAll('.conversation-row a')].find((a) => a.textContent === 'Came back').click()")
    until(page, lambda: steps.reply_text(page) == answer)


def test_conversation_exported_as_markdown_is_readable_and_can_be_imported_again(page):
    page.open()
    answer = ask(page, "Export this as text.")
    choose_in_menu(page, 0, "export-md")
    file = downloaded(page, "*.md", DOWNLOADS)
    text = file.read_text()
    assert text.startswith("# Export this as text.\n\n## You\n\nExport this as text.\n\n## Assistant\n\n")
    file.write_text(text.replace("# Export this as text.", "# From Markdown", 1))
    open_settings(page, "data")
    find(page, 'input[name="import"]').send_keys(str(file))
    until(page, lambda: "From Markdown" in titles(page))
    steps.close_dialog(page)
    page.js("[...document.querySelectorAll('.conversation-row a')].find((a) => a.textContent === 'From Markdown').click()")
    until(page, lambda: find(page, ".title").text == "From Markdown" and steps.reply_text(page) == answer)
    until(page, lambda: find(page, ".user-bubble").text == "Export this as text.")


def test_all_conversations_can_be_exported(page):
    page.open()
    ask(page, "One of all.")
    open_settings(page, "data")
    page.js("document.querySelector('.settings-panel button').click()")
    document = json.loads(downloaded(page, "stellarchat*.json", DOWNLOADS).read_text())
    assert document["format"] == "stellarchat.sessions"
    assert "One of all." in [part["session"]["title"] for part in document["sessions"]]


# Against the stand-in


def test_older_conversations_are_loaded_as_the_list_is_scrolled(page, mock):
    for number in range(120):
        mock.sessions.create({"title": f"Chat {number}"})
    page.open()
    wait_ready(page)
    until(page, lambda: count(page, ".conversation-row") == 50)
    until(page, lambda: page.js("document.querySelector('.conversation-list').scrollTo(0, 1e6)") or count(page, ".conversation-row") == 120)


def test_conversations_are_grouped_by_date(page, mock):
    day = 86_400_000
    for title, age in (("Now", 0), ("Last month", 20 * day), ("Long ago", 400 * day), ("Held", 500 * day)):
        session = mock.sessions.create({"title": title, "pinned": title == "Held"})
        mock.sessions.sessions[session["id"]]["updated_at"] -= age
    page.open()
    wait_ready(page)
    until(page, lambda: titles(page) == ["Held", "Now", "Last month", "Long ago"])
    headings = [heading.text for heading in find_all(page, ".conversation-list h2")]
    assert headings[:3] == ["Pinned", "Today", "Previous 30 days"] and len(headings) == 4


@pytest.mark.parametrize(
    ("name", "document"),
    [("a.json", "{}"), ("a.json", "not json"), ("a.json", '{"format": "stellarchat.session", "version": 1}'), ("a.json", "[1]"),
     ("a.md", "# Notes\n\nMilk")],
)  # fmt: skip
def test_file_that_is_no_export_is_refused_in_words(page, mock, name, document, tmp_path):
    mock.sessions_on = False
    file = tmp_path / name
    file.write_text(document)
    page.open()
    wait_ready(page)
    open_settings(page, "data")
    steps.watch(page, ".notice span")
    find(page, 'input[name="import"]').send_keys(str(file))
    until(page, lambda: [text for text in steps.watched(page, ".notice span") if "could not be imported" in text])


def test_server_without_sessions_leaves_conversations_to_the_browser(page, mock):
    mock.sessions_on = False
    mock.reply = "Kept here."
    page.open()
    ask(page, "Remember the wombats.")
    assert "record" in mock.requests[0] and mock.requests[0]["record"] is None
    click(page, f"{steps.REPLIES} [data-action=regenerate]")
    until(page, lambda: steps.variants(page, "assistant") == [2, 2])
    steps.wait_idle(page)
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: steps.reply_text(page) == "Kept here." and steps.variants(page, "assistant") == [2, 2])
    new_conversation(page)
    ask(page, "Another.")
    find(page, "#search").send_keys("wombats")
    until(page, lambda: titles(page) == ["Remember the wombats."])
    find(page, "#search").send_keys(Keys.ESCAPE)
    until(page, lambda: len(titles(page)) == 2)
    delete_conversation(page)
    click(page, ".notice .icon-button")
    page.driver.refresh()
    wait_ready(page)
    until(page, lambda: titles(page) == ["Remember the wombats."])


def test_conversations_of_the_server_can_be_read_while_it_is_away(page, mock):
    mock.reply = "To be read **offline**."
    page.open()
    ask(page, "Keep a copy.")
    address = page.driver.current_url
    until(page, lambda: page.js("return navigator.serviceWorker.ready.then(() => true)"))
    page.driver.refresh()
    wait_ready(page)
    mock.stop()
    page.driver.get(address)
    wait_for(page, '.status-pill[data-state="unreachable"]')
    until(page, lambda: steps.reply_text(page) == "To be read offline.")
    assert titles(page) == ["Keep a copy."]
    mock.start()
    wait_ready(page)
    until(page, lambda: "copies" not in find(page, ".sidebar-foot").text)


def test_notice_stays_while_it_has_the_focus(page, mock):
    hurry = "const set = setTimeout; window.setTimeout = (action, ms, ...rest) => set(action, ms === 6000 ? 50 : ms, ...rest)"
    page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": hurry})
    page.open()
    ask(page, "Delete me.")
    delete_conversation(page)
    page.js("return new Promise((done) => setTimeout(done, 500))")
    assert count(page, ".undo-button") == 1 and len(mock.sessions.sessions) == 1
    page.js("document.activeElement.blur()")
    until(page, lambda: count(page, ".notice") == 0 and not mock.sessions.sessions)


def test_found_thoughts_are_shown_without_their_tags(page, mock):
    mock.reply = "<think>A wombat digs.</think>\n\nIt is an animal."
    page.open()
    ask(page, "What is it?")
    find(page, "#search").send_keys("digs")
    until(page, lambda: find(page, ".snippet").text.startswith("A wombat digs."))
    assert "<" not in find(page, ".snippet").text


def test_conversation_that_went_on_elsewhere_is_shown_when_the_page_is_looked_at_again(page, mock):
    mock.reply = "An answer."
    page.open()
    ask(page, "First")
    (session,) = mock.sessions.sessions
    mock.sessions.add(session, {"role": "user", "content": "From a phone"})
    mock.sessions.add(session, {"role": "assistant", "content": "There too."})
    page.js("document.dispatchEvent(new Event('visibilitychange'))")
    until(page, lambda: count(page, "article") == 4 and steps.reply_text(page) == "There too.")
    click(page, f"{steps.REPLIES} [data-action=regenerate]")
    until(page, lambda: steps.variants(page, "assistant") == [2, 2])
    steps.wait_idle(page)
    click(page, f"{steps.REPLIES} [data-action=previous]")
    page.js("document.dispatchEvent(new Event('visibilitychange'))")
    until(page, lambda: steps.variants(page, "assistant") == [1, 2])


def test_answers_of_the_api_are_never_kept_by_the_service_worker(page, mock):
    page.open()
    ask(page, "Hello.")
    until(page, lambda: page.js("return navigator.serviceWorker.ready.then(() => true)"))
    kept = page.js(
        """return caches.keys().then((names) => Promise.all(names.map(async (name) => (await (await caches.open(name)).keys())
            .map((request) => new URL(request.url).pathname)))).then((lists) => lists.flat())"""
    )
    assert "/index.html" in kept and not [path for path in kept if path.startswith(("/api", "/v1", "/c/"))]
