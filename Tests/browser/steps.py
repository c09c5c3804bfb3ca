"""What a reader does with the page, in terms of the tests. Nothing here depends on the language of the page."""

from pathlib import Path

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

WAIT = 60
REPLIES = 'article[data-role="assistant"]'
NARROW = 832  # 52rem: below this width the list of conversations is a drawer


def find(page, selector):
    return page.driver.find_element(By.CSS_SELECTOR, selector)


def find_all(page, selector):
    return page.driver.find_elements(By.CSS_SELECTOR, selector)


def count(page, selector):
    return len(find_all(page, selector))


def until(page, condition, seconds=WAIT):
    return WebDriverWait(page.driver, seconds, 0.05, [StaleElementReferenceException]).until(lambda _: condition())


def wait_for(page, selector, seconds=WAIT):
    until(page, lambda: count(page, selector) > 0, seconds)
    return find(page, selector)


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
    wait_ready(page)
    text_box(page).send_keys(text, Keys.ENTER)


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


def stop_from_within(page):
    """Makes the page itself press the button as soon as a reply has text: a fast model may be done before a driver's click arrives."""
    page.js(f"""clearInterval(window.stopTimer);
    window.stopTimer = setInterval(() => {{
        const reply = document.querySelector('{REPLIES}[data-state="streaming"] .markdown');
        const button = document.querySelector('[data-action="stop"]');
        if (reply?.innerText && button) {{ clearInterval(window.stopTimer); button.click(); }}
    }}, 1);""")


def stop_a_reply(page, text, stop=click_stop):
    """Sends `text` and stops the reply; again where a real model has ended its reply before it could be stopped."""
    for _ in range(8):
        before = count(page, REPLIES)
        if stop is click_stop:
            stop_from_within(page)
        send(page, text)
        until(page, lambda: count(page, f'{REPLIES}[data-state="streaming"]') > 0 or (count(page, REPLIES) > before and not running(page)))
        stop(page)
        wait_idle(page)
        if count(page, f'{REPLIES}[data-state="cancelled"]') > 0:
            return find_all(page, REPLIES)[-1]
    raise AssertionError("no reply could be stopped")


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
    return [element.text for element in find_all(page, ".conversation-row > a .truncate")]


def choose_in_menu(page, row, action):
    """Opens the menu of a conversation in the list, and chooses."""
    open_sidebar(page)
    page.js("arguments[0].click()", find_all(page, ".conversation-row .icon-button")[row])
    click(page, f'.menu [data-action="{action}"]')


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
