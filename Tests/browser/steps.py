"""What a reader does with the page, in terms of the tests. Nothing here depends on the language of the page."""

import inspect
import time
from pathlib import Path

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

LOOKS = 2400  # for a state; two minutes and more. Counted, so that time in which a busy machine runs nothing of this does not pass
REPLIES = 'article[data-role="assistant"]'
NARROW = 832  # 52rem: below this width the list of conversations is a drawer


def find(page, selector):
    return page.driver.find_element(By.CSS_SELECTOR, selector)


def find_all(page, selector):
    return page.driver.find_elements(By.CSS_SELECTOR, selector)


def count(page, selector):
    return len(find_all(page, selector))


def until(page, condition):
    """What the condition gives once that is true. Elements that are not there yet, or not any more, make it false."""
    for _ in range(LOOKS):
        try:
            if found := condition():
                return found
        except (NoSuchElementException, StaleElementReferenceException):
            pass
        time.sleep(0.05)
    raise TimeoutError(f"not within {LOOKS} looks at {page.driver.current_url}: {inspect.getsource(condition).strip()}")


def wait_for(page, selector):
    until(page, lambda: count(page, selector) > 0)
    return find(page, selector)


def shown_text(page, selector):
    """What the first match says, once it can be seen: for a driver, what begins to fade in says nothing."""
    return until(page, lambda: find(page, selector).text)


def click(page, selector):
    """Clicks the last match; buttons that appear when they are pointed at are clicked all the same."""
    wait_for(page, selector)
    page.js("arguments[0].click()", find_all(page, selector)[-1])


def text_box(page):
    return find(page, "textarea#message")


def draft(page):
    return text_box(page).get_attribute("value")


def wait_ready(page):
    wait_for(page, '.status-pill[data-state="ready"]')


def send(page, text):
    """Enter is pressed again where it did nothing, as while a busy server was thought to be away."""
    wait_ready(page)
    text_box(page).send_keys(text.replace("\n", Keys.SHIFT + Keys.ENTER + Keys.NULL))
    until(page, lambda: press_enter(page))


def press_enter(page):
    wait_ready(page)
    text_box(page).send_keys(Keys.ENTER)
    return draft(page) == ""


def wait_reply(page, state="complete", replies=1):
    """The last reply, once `replies` of those that are shown are in this state."""
    until(page, lambda: count(page, f'{REPLIES}[data-state="{state}"]') >= replies)
    return find_all(page, REPLIES)[-1]


def ask(page, text):
    """Sends a message and waits until its reply is complete; gives the reply's text."""
    before = count(page, REPLIES)
    send(page, text)
    until(page, lambda: count(page, REPLIES) == before + 1 and not running(page))
    return reply_text(page)


def running(page):
    return count(page, '[data-action="stop"]') > 0


def wait_idle(page):
    until(page, lambda: not running(page))


def reply_text(page):
    return page.js(f"return [...document.querySelectorAll('{REPLIES}')].pop()?.querySelector('.markdown')?.innerText ?? ''")


def click_stop(page):
    page.js("""document.querySelector('[data-action="stop"]')?.click()""")


def wait_streaming(page, characters=1):
    """Until a reply runs that shows so much text; for pages opened with `endless`, where it can't be over before that is seen."""
    until(page, lambda: count(page, f'{REPLIES}[data-state="streaming"]') > 0 and len(reply_text(page).strip()) >= characters)


def stop_a_reply(page, text, stop=click_stop):
    """Sends `text` and stops the reply as soon as it shows some; on a page opened with `endless`."""
    send(page, text)
    wait_streaming(page)
    stop(page)
    wait_idle(page)
    return wait_reply(page, "cancelled")


def click_and_hold_notice(page, selector):
    """Clicks the last match, and takes hold of the notice that this brings: one without the focus goes after some seconds."""
    click_and_see(page, selector, ".notice button")


def click_and_see(page, selector, sight):
    """Clicks the last match, and focuses what this shows from within the page: it may be there for a short time only."""
    wait_for(page, selector)
    page.js(
        """const [selector, sight] = arguments;
        [...document.querySelectorAll(selector)].pop().click();
        return new Promise((done) => {
            const look = () => document.querySelector(sight) ? done(document.querySelector(sight).focus()) : setTimeout(look);
            look() })""",
        selector, sight,
    )  # fmt: skip


def watch(page, selector):
    """From now on `watched` gives every text that the first match has shown, in order: a driver would see only some of them."""
    page.js(
        """const selector = arguments[0];
        const seen = (window.watched ??= {})[selector] = [];
        const look = () => { const text = document.querySelector(selector)?.textContent;
            if (text !== undefined && text !== seen[seen.length - 1]) seen.push(text) };
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true }); look()""",
        selector,
    )


def watched(page, selector):
    return page.js("return window.watched[arguments[0]]", selector)


def stored_reply(page):
    """The text of the last reply shown, as the server has it; empty where it has none."""
    return stored_message(page).get("content", "")


def stored_message(page):
    """The last reply shown, as the server has it; empty where it has none."""
    return page.js(
        """const id = [...document.querySelectorAll(arguments[0])].pop()?.dataset.id;
        return fetch(`/api/sessions/${location.pathname.split('/').pop()}/messages?limit=200`).then((answer) => answer.json())
            .then(({ data }) => data?.find((message) => message.id === id) ?? {})""",
        REPLIES,
    )


def variants(page, role):
    """`(shown, count)` of the last message of a role that has variants."""
    return page.js(
        """const all = [...document.querySelectorAll(`article[data-role="${arguments[0]}"] .variants > span`)];
        const last = all.pop(); return last ? last.textContent.split('/').map(Number) : null""",
        role,
    )


def open_sidebar(page):
    if count(page, "#sidebar") == 0:
        click(page, '.header [data-action="sidebar"]')
    wait_for(page, "#sidebar")


def close_drawer(page):
    if page.js(f"return innerWidth < {NARROW}") and count(page, "#sidebar") > 0:
        click(page, '[data-action="hide"]')
        until(page, lambda: count(page, "#sidebar") == 0)


def new_conversation(page):
    click(page, '[data-action="new"]')
    until(page, lambda: count(page, "article") == 0)


def titles(page):
    open_sidebar(page)
    return page.js("return [...document.querySelectorAll('.conversation-row > a .truncate')].map((title) => title.textContent)")


def choose_in_menu(page, row, action):
    """Opens the menu of a conversation in the list, by its place or title, and chooses."""
    open_menu(page, row)
    click(page, f'.menu [data-action="{action}"]')


def open_menu(page, row):
    open_sidebar(page)
    page.js(
        """const rows = [...document.querySelectorAll('.conversation-row')];
        const row = rows.find((row) => row.querySelector('.truncate').textContent === arguments[0]) ?? rows[arguments[0]];
        row.querySelector('.icon-button').click()""",
        row,
    )


def open_settings(page, tab="chat"):
    if count(page, "dialog") == 0:
        click(page, '.header [data-action="settings"]')
    click(page, f"#tab-{tab}")


def close_dialog(page):
    if count(page, "dialog") > 0:
        click(page, "dialog .dialog-head .icon-button")
        until(page, lambda: count(page, "dialog") == 0)


def choose(page, name, value):
    open_settings(page, "page")
    page.js("arguments[0].click()", wait_for(page, f'input[name="{name}"][value="{value}"]'))


def fill(page, name, value):
    """Writes into a field of the settings."""
    field = wait_for(page, f'dialog [name="{name}"]')
    field.send_keys(Keys.CONTROL + "a", Keys.BACKSPACE)
    if value:
        field.send_keys(value)


def downloaded(page, pattern, folder):
    """The newest file that the page has offered and the browser has finished."""
    until(page, lambda: list(Path(folder).glob(pattern)))
    return max(Path(folder).glob(pattern), key=lambda file: file.stat().st_mtime)


def go_offline(page, offline):
    conditions = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", conditions)
