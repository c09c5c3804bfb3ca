"""Hostile texts, wherever they come from: none runs, loads anything, or leaves the page."""

import json
import time

import pytest

from steps import ask, click, close_dialog, count, find, open_settings, titles, until, wait_ready

PAYLOADS = [
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "<svg onload=window.pwned=1><animate onbegin=window.pwned=1 attributeName=x dur=1s></svg>",
    "[click](javascript:window.pwned=1)",
    "[click](JaVaScRiPt&#58;window.pwned=1)",
    "[click](java\tscript:window.pwned=1) [click](&#1;javascript:window.pwned=1)",
    "[click](vbscript:msgbox(1)) [click](data:text/html;base64,PHNjcmlwdD5vcGVuZXIucHduZWQ9MTwvc2NyaXB0Pg==)",
    "<javascript:window.pwned=1> javascript:window.pwned=1",
    "<a href=\"data:text/html,<script>opener.pwned=1</script>\">click</a>",
    "<a href=javascript:window.pwned=1>click</a><area href=javascript:window.pwned=1>",
    "<iframe srcdoc=\"<script>parent.pwned=1</script>\"></iframe><iframe src=javascript:parent.pwned=1></iframe>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=window.pwned=1&gt;\">",
    "<form><button formaction=javascript:window.pwned=1>click</button><input type=image src=x onerror=window.pwned=1></form>",
    "<details open ontoggle=window.pwned=1>x</details><input autofocus onfocus=window.pwned=1>",
    "<video src=x onerror=window.pwned=1></video><audio src=x onerror=window.pwned=1></audio>",
    "<object data=javascript:window.pwned=1></object><embed src=javascript:window.pwned=1>",
    "<template><script>window.pwned=1</script></template><noscript><p title=\"</noscript><img src=x onerror=window.pwned=1>\">",
    "<b onmouseover=window.pwned=1>x</b><sub onclick=window.pwned=1>y</sub><kbd style=position:fixed;inset:0>z</kbd>",
    "```\"><img src=x onerror=window.pwned=1>\n<script>window.pwned=1</script>\n```",
    "```html\n<img src=x onerror=window.pwned=1>\n<span class=\"x\" onclick=window.pwned=1>\n```",
    "```python\" onclick=window.pwned=1 x=\"\nprint('</span><img src=x onerror=window.pwned=1>')\n```",
    "| <img src=x onerror=window.pwned=1> |\n|--|\n| <b onmouseover=window.pwned=1 style=\"position:fixed;inset:0\">x</b> |",
    "![x](x\" onerror=\"window.pwned=1) ![x](javascript:window.pwned=1)",
    "![pixel](https://tracker.example/pixel.png)<img src=https://tracker.example/2.png srcset=https://tracker.example/3.png>",
    "<style>*{background:url(https://tracker.example/css)}</style><link rel=stylesheet href=https://tracker.example/a.css>",
    "<base href=https://tracker.example/><meta http-equiv=refresh content=\"0;url=https://tracker.example\">",
    "$\\href{javascript:window.pwned=1}{click}$ $\\url{javascript:window.pwned=1}$ $\\htmlData{x=1}{y}$ $\\class{x}{y}$",
    "$$\\includegraphics{https://tracker.example/x.png}$$\n\n$<img src=x onerror=window.pwned=1>$",
    "<think><img src=x onerror=window.pwned=1></think><script>window.pwned=1</script>",
    "[x]: javascript:window.pwned=1\n\n[click][x] [^1]\n\n[^1]: <img src=x onerror=window.pwned=1>",
    "{{constructor.constructor('window.pwned=1')()}} ${window.pwned=1} <%= window.pwned=1 %>",
    "\u202e\u2066<scr\0ipt>window.pwned=1</scr\0ipt>\ufeff&lt;script&gt;window.pwned=1&lt;/script&gt;",
]

RISKY = """
const allowed = (element) => element.closest('.katex') || element.closest('button');
return [...document.querySelectorAll('.messages *, .conversation-list *, .title *')].filter((e) =>
    (/^(script|img|iframe|style|form|link|base|meta|details|object|embed|video|audio|template|area)$/i.test(e.tagName)
        || (/^(svg|math)$/i.test(e.tagName) && !allowed(e)))
    || [...e.attributes].some((a) => /^on|^srcdoc$|^formaction$/i.test(a.name) || (a.name === 'style' && !allowed(e))
        || /^\\s*(javascript|data|vbscript):/i.test(a.value))
    || (e.tagName === 'A' && e.href && !/^(https?|mailto):/.test(e.href))
).map((e) => e.outerHTML)
"""


def assert_harmless(page):
    page.js("document.querySelectorAll('.markdown a, .reasoning-head').forEach((e) => { e.target = '_self'; e.href ? 0 : e.click() })")
    time.sleep(0.1)
    assert page.js("return window.pwned") is None
    assert page.js(RISKY) == []
    assert not [url for url in page.requested_urls() if "tracker.example" in url]
    assert page.console_errors() == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_of_reader_and_model_is_only_text(page, mock, payload):
    mock.reply = f"Before {payload}\n\n{payload}\n\n- {payload}\n\n> {payload}\n\n# {payload}\n\nafter"
    page.open()
    # The reader's text, which also becomes the title.
    wait_ready(page)
    page.js(
        """const box = document.querySelector('#message');
        Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(box, arguments[0]);
        box.dispatchEvent(new Event('input', { bubbles: true }))""",
        payload,
    )
    click(page, '[data-action="send"]')
    until(page, lambda: count(page, 'article[data-state="complete"]') == 1)
    if "\\" in payload:
        until(page, lambda: count(page, ".katex") > 0 or "math" not in "".join(page.requested_urls()))
    assert_harmless(page)


def test_hostile_texts_in_imported_files_are_only_text(page, mock, tmp_path):
    """In titles, snippets, contents, models, and in ids, which have a form to keep to."""
    mock.sessions_on = False
    parts = []
    for number, payload in enumerate(PAYLOADS):
        session = {"id": f"s{number}", "title": payload, "created_at": 1, "updated_at": 1, "model": payload, "system_prompt": payload,
                   "pinned": False, "settings": {"stop": [payload]}, "current_message_id": f"m{number}"}  # fmt: skip
        message = {"id": f"m{number}", "parent_id": None, "role": "assistant", "content": payload, "created_at": 1, "state": "complete",
                   "finish_reason": payload, "model": payload, "usage": {"prompt_tokens": payload}}  # fmt: skip
        parts.append({"session": session, "messages": [message, {**message, "id": "\"><img src=x onerror=window.pwned=1>"}]})
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps({"format": "stellarchat.sessions", "version": 1, "sessions": parts}))
    page.open()
    wait_ready(page)
    open_settings(page, "data")
    find(page, 'input[name="import"]').send_keys(str(file))
    close_dialog(page)
    until(page, lambda: len(titles(page)) == len(PAYLOADS))
    for number in range(len(PAYLOADS)):
        page.js(f"document.querySelector('a[href=\"/c/s{number}\"]').click()")
        until(page, lambda: page.js("return location.pathname") == f"/c/s{number}" and count(page, "article") == 1)
        assert page.js("return window.pwned") is None
    find(page, "#search").send_keys("pwned")
    until(page, lambda: count(page, ".snippet") > 0)
    assert_harmless(page)


@pytest.mark.parametrize("path", ["/c/%3Cimg%20src=x%20onerror=pwned=1%3E", "/c/%2Fapi%2Fsessions", "/c/" + "x" * 65, "/c/", "/anything/else"])
def test_strange_addresses_show_an_empty_page(page, mock, path):
    page.open(path=path)
    wait_ready(page)
    assert count(page, ".example") == 4
    assert page.js("return window.pwned") is None


def test_policy_of_the_daemon_forbids_inline_code_and_other_hosts(page):
    page.open()
    wait_ready(page)
    policy = page.js("return fetch('/').then((response) => response.headers.get('content-security-policy'))")
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";") if rule.strip()}
    assert rules["script-src"] == ["'self'"]
    assert "unsafe" not in policy and "http" not in policy.replace("http:", "") and "*" not in policy
    assert page.js("const s = document.createElement('script'); s.textContent = 'window.pwned = 1'; document.body.append(s); return window.pwned") is None
    assert ask(page, "Say hello.") is not None
