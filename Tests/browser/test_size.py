"""What a visit loads: sizes and counts, not times."""

import gzip
import json
import re

from mock_daemon import WEB_ROOT
from steps import ask, wait_ready

LIMIT = 250_000


def test_scripts_and_styles_of_every_visit_are_small(page, mock):
    page.open()
    wait_ready(page)
    names = page.js("return performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)")
    loaded = sorted({name for name in names if re.search(r"\.(js|css)$", name) and name != "/service-worker.js"})
    assert any(name.endswith(".css") for name in loaded) and len(loaded) <= 8, loaded
    assert not [name for name in loaded if "math" in name or "highlighter" in name]
    size = sum(len(gzip.compress((WEB_ROOT / name.lstrip("/")).read_bytes(), 9)) for name in loaded)
    assert size <= LIMIT


def test_every_file_that_may_be_kept_for_good_has_a_hash_in_its_name():
    names = [file.name for file in (WEB_ROOT / "assets").iterdir()]
    assert names and all(re.search(r"-[0-9a-zA-Z]{8,10}\.(js|css|woff2)$", name) for name in names), names


def test_manifest_and_its_icons_are_there_in_the_sizes_it_says(page):
    page.open()
    wait_ready(page)
    manifest = json.loads((WEB_ROOT / "manifest.webmanifest").read_text())
    for icon in manifest["icons"]:
        size = page.js(
            """return new Promise((done) => { const image = new Image(); image.onload = () => done([image.naturalWidth, image.naturalHeight]);
            image.onerror = () => done(null); image.src = arguments[0] })""",
            icon["src"],
        )
        assert size and (icon["sizes"] == "any" or size == [int(side) for side in icon["sizes"].split("x")]), icon


def test_one_state_update_a_frame_however_fast_the_text_comes(page, mock):
    """The page is drawn far less often than pieces arrive, and blocks that are complete are left alone."""
    mock.reply = "\n\n".join(f"Paragraph {number} with some words in it." for number in range(300))
    mock.delay = 0
    page.open()
    page.js(
        """window.changes = 0; window.removed = 0;
        new MutationObserver((records) => { changes += 1;
            for (const record of records) removed += [...record.removedNodes].filter((node) => node.nodeName === 'P').length })
            .observe(document.body, { subtree: true, childList: true, characterData: true })"""
    )
    ask(page, "Fast")
    pieces = len(mock._pieces())
    assert page.js("return changes") < pieces / 3
    assert page.js("return removed") < 20
