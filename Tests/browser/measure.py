"""Figures of the web chat in a headless Chromium: `python3 Tests/browser/measure.py`. Prints JSON; asserts nothing about time.

The stand-in writes a reply of 10,000 pieces at 300 a second while a message is typed; then 20 long replies, one after the other.
"""

import argparse
import json
import statistics
import time

from conftest import Page, start_browser
from mock_daemon import MockDaemon
from steps import REPLIES, send, text_box, until, wait_ready, wait_reply

PARAGRAPH = "The sea was **calm** that morning, and the boats lay still in the harbour while `gulls` circled above the old stone pier.\n\n"
CODE = "```python\ndef wave(height, period):\n    # the longer the period, the calmer the sea\n    return height / period\n```\n\n"
TABLE = "| wind | sea |\n|--|--|\n| calm | smooth |\n| storm | high |\n\n"

WATCH = """
window.frames = []; window.keys = []; window.longTasks = [];
let last = performance.now();
const tick = (now) => { frames.push(now - last); last = now; window.frameHandle = requestAnimationFrame(tick) };
requestAnimationFrame(tick);
document.querySelector('#message').addEventListener('keydown', (event) => {
    const start = event.timeStamp;
    // After the frame in which the letter is drawn.
    requestAnimationFrame(() => { const channel = new MessageChannel();
        channel.port1.onmessage = () => keys.push(performance.now() - start); channel.port2.postMessage(0) });
});
document.querySelector('#message').addEventListener('input', (event) => {
    queueMicrotask(() => (window.inputs ??= []).push(performance.now() - event.timeStamp));
});
new PerformanceObserver((list) => list.getEntries().forEach((entry) => longTasks.push(entry.duration))).observe({ entryTypes: ['longtask'] });
"""


def long_reply(pieces):
    text = "# A story\n\n"
    while len(text) < pieces * 4.4:
        text += PARAGRAPH * 4 + CODE + TABLE + "- one\n- two\n  - three\n\n"
    return text


def percentiles(values):
    ordered = sorted(values)
    pick = lambda share: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
    return {"median": pick(0.5), "p95": pick(0.95), "p99": pick(0.99), "max": round(ordered[-1], 1), "count": len(ordered)}


def paint_times(page):
    return {
        entry["name"]: round(entry["startTime"])
        for entry in page.js("return performance.getEntriesByType('paint').map((e) => e.toJSON())")
    }  # fmt: skip


def first_paint(page):
    times = []
    for _ in range(7):
        page.open()
        wait_ready(page)
        times.append(paint_times(page)["first-contentful-paint"])
    return {"first": times[0], "median": statistics.median(times)}


def streaming(page, mock, pieces):
    mock.reply = long_reply(pieces)
    mock.delay = 1 / 300
    page.open()
    wait_ready(page)
    send(page, "A very long story")
    page.js(WATCH)
    start = time.monotonic()
    typed = 0
    while page.js("return document.querySelector('[data-action=\"stop\"]') !== null"):
        text_box(page).send_keys("typing ")
        typed += 1
        if typed % 20 == 0:
            text_box(page).clear()
    wait_reply(page)
    seconds = time.monotonic() - start
    result = {
        "pieces": len(mock._pieces()), "seconds": round(seconds, 1), "characters": len(mock.reply),
        "frame_ms": percentiles(page.js("return frames")), "key_to_frame_ms": percentiles(page.js("return keys")),
        "key_to_state_ms": percentiles(page.js("return inputs")), "long_tasks_ms": [round(ms) for ms in page.js("return longTasks")],
        "elements": page.js("return document.querySelectorAll('*').length"),
    }  # fmt: skip
    page.js("cancelAnimationFrame(frameHandle)")
    return result


def memory(page, mock, replies, pieces):
    mock.reply = long_reply(pieces)
    mock.delay = 0
    page.open()
    wait_ready(page)
    used = []
    for number in range(replies):
        before = len(mock.requests)
        if number == 0:
            send(page, "Again and again")
        else:
            page.js("document.querySelector(arguments[0]).click()", f"{REPLIES} [data-action=regenerate]")
        # By script alone: an element that the driver has seen is kept alive with all of its tree.
        until(page, lambda: len(mock.requests) > before)
        until(page, lambda: page.js("return document.querySelector(arguments[0]) !== null", f'{REPLIES}[data-state="complete"]'))
        page.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        page.driver.execute_cdp_cmd("Performance.enable", {})
        metrics = {m["name"]: m["value"] for m in page.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}
        used.append((round(metrics["JSHeapUsedSize"] / 1e6, 2), int(metrics["Nodes"]), int(metrics["JSEventListeners"])))
    return {"pieces": len(mock._pieces()), "kilobytes_of_text": round(len(mock.reply) / 1000), "heap_mb_nodes_listeners": used}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", type=int, default=10_000)
    parser.add_argument("--replies", type=int, default=20)
    options = parser.parse_args()
    browser = start_browser()
    mock = MockDaemon().start()
    try:
        page = Page(browser, mock.url, is_mock=True)
        result = {"first_contentful_paint_ms": first_paint(page)}
        result["streaming"] = streaming(page, mock, options.pieces)
        result["memory"] = memory(page, mock, options.replies, options.pieces // 5)
        print(json.dumps(result, indent=2))
    finally:
        browser.quit()
        mock.stop()


if __name__ == "__main__":
    main()
