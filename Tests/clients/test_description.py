"""The API's description: what it says is what the server does, tried with generated requests (schemathesis).

STELLAR_SCHEMATHESIS_EXAMPLES sets how many requests are generated for each operation; all prefixes are tried where it is above 50.
"""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from daemon import Daemon

KEY, ADMIN = "sk-first-key-1234", "sk-admin-key-9999"
EXAMPLES = int(os.environ.get("STELLAR_SCHEMATHESIS_EXAMPLES") or 6)
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "allow_header_conformance", "negative_data_rejection",
]


def generate(daemon, *arguments, seconds=120 + 40 * EXAMPLES):
    """Runs schemathesis; what it did is returned, what it found fails."""
    directory = pathlib.Path(__file__).parent
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{daemon.base_url}/api/openapi.json", "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "7", "--no-color", "--continue-on-failure",
        "--suppress-health-check", "all", "--request-timeout", "60", "--generation-database", "none", *arguments,
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(directory)}
    result = subprocess.run(command, env=environment, cwd=daemon.data, capture_output=True, text=True, timeout=seconds)
    assert daemon.process.poll() is None, daemon.log[-4000:]
    assert result.returncode == 0, f"{result.stdout[-12000:]}\n{result.stderr[-2000:]}"
    return result.stdout


@pytest.fixture(scope="module")
def daemon_of_its_own():
    """Generated requests make sessions and keys."""
    with Daemon(ADMIN_API_KEY=ADMIN) as own:
        yield own.wait_until_ready()


def test_generated_requests_find_no_contradiction(daemon_of_its_own):
    prefixes = [] if EXAMPLES > 50 else ["--include-path-regex", "^/(api/|metrics)"]
    output = generate(daemon_of_its_own, "--header", f"x-api-key:{ADMIN}", *prefixes)
    tested = re.search(r"(\d+) generated", output)
    assert tested and int(tested[1]) > 200, output[-3000:]


def test_without_a_key_the_description_is_there_and_answers_are_as_it_says():
    with Daemon(API_KEYS=KEY, RATE_LIMIT="requests=2") as own:
        own.wait_until_ready()
        strangers = generate(own)
        assert "401 Unauthorized" in strangers, strangers
        generate(own, "--header", f"x-api-key:{KEY}", "--include-path-regex", "^/api/(completions|tokenize|embeddings|api-keys)")


def test_the_page_is_readable_without_anything_from_elsewhere(http):
    page = http.get("/api/docs")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert not re.search(r"(src|href)=\"?(https?:)?//", page.text)
    described = http.get("/api/openapi.json").json()
    for path in described["paths"]:
        if path.startswith("/api/"):
            assert path in page.text
    assert http.get("/api/docs.css").headers["content-type"].startswith("text/css")
