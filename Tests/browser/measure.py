"""Figures of the web chat in a headless Chromium: `python3 Tests/browser/measure.py`. Prints JSON; asserts nothing about time.

The stand-in writes a reply of 10,000 pieces at 300 a second while a message is typed, alone and below a conversation of 400 messages; then
20 long replies, one after the other. On a machine that has other things to do, `chrt --rr 1 python3 Tests/browser/measure.py` measures the
page and not the wait for a processor.
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
window.frames = []; window.keys = []; window.longTasks = []; window.events = [];
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
// How long a letter waits for the page, and how long the page works on it before it leaves the rest to the next frame.
new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    if (entry.name === 'keydown') events.push([entry.processingStart - entry.startTime, entry.processingEnd - entry.processingStart]);
})).observe({ type: 'event', durationThreshold: 16 });
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


def performance_metrics(page):
    metrics = page.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}


def processor_time(before, after, frames):
    """Milliseconds of the page's main thread for each frame, in all and of it for scripts, layout and styles."""
    parts = {"all": "TaskDuration", "scripts": "ScriptDuration", "layout": "LayoutDuration", "styles": "RecalcStyleDuration"}
    return {part: round((after[name] - before[name]) * 1000 / frames, 2) for part, name in parts.items()}


def conversation(mock, messages):
    """A stored conversation of so many messages; the path that shows it."""
    session = mock.sessions.create({"title": "Long"})["id"]
    for number in range(messages):
        mock.sessions.add(session, {"role": ("user", "assistant")[number % 2], "content": (PARAGRAPH, CODE + TABLE)[number % 2]})
    return f"/c/{session}"


def streaming(page, mock, pieces, path="/"):
    mock.reply = long_reply(pieces)
    mock.delay = 1 / 300
    page.open(path=path)
    opening = time.monotonic()
    wait_ready(page)
    if path != "/":
        wait_reply(page)
    opened = time.monotonic() - opening
    send(page, "A very long story")
    page.js(WATCH)
    before = performance_metrics(page)
    start = time.monotonic()
    typed = 0
    while page.js("return document.querySelector('[data-action=\"stop\"]') !== null"):
        text_box(page).send_keys("typing ")
        typed += 1
        if typed % 20 == 0:
            text_box(page).clear()
    seconds = time.monotonic() - start
    frames, events, keys = page.js("return frames"), page.js("return events"), page.js("return keys")
    result = {
        "open_seconds": round(opened, 2), "pieces": len(mock._pieces()), "seconds": round(seconds, 1), "characters": len(mock.reply),
        "processor_ms_per_frame": processor_time(before, performance_metrics(page), len(frames)),
        "frame_ms": percentiles(frames), "key_waits_ms": percentiles([event[0] for event in events]),
        "key_works_ms": percentiles([event[1] for event in events]), "key_to_frame_ms": percentiles(keys),
        "keys_drawn_within_16_ms": round(sum(key <= 16 for key in keys) / len(keys), 3),
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
        metrics = performance_metrics(page)
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
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})  # processor time
        result = {"first_contentful_paint_ms": first_paint(page)}
        result["streaming"] = streaming(page, mock, options.pieces)
        result["streaming_below_400_messages"] = streaming(page, mock, options.pieces // 3, conversation(mock, 400))
        result["memory"] = memory(page, mock, options.replies, options.pieces // 5)
        print(json.dumps(result, indent=2))
    finally:
        browser.quit()
        mock.stop()


if __name__ == "__main__":
    main()
