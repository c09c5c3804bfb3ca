"""/metrics in the Prometheus text format."""

import shutil
import subprocess

from conftest import CAPITAL, need


def samples(http):
    """Name with labels → value."""
    lines = http.get("/metrics").text.splitlines()
    return {key: float(value) for key, _, value in (line.rpartition(" ") for line in lines if line and not line.startswith("#"))}


def total(http, name):
    return sum(value for key, value in samples(http).items() if key.split("{")[0] == name)


def test_metrics_are_in_the_text_format(http):
    response = http.get("/metrics")
    assert response.status_code == 200 and response.headers["content-type"].startswith("text/plain")
    assert response.text.endswith("\n")


def test_promtool_finds_nothing_wrong(http):
    need(shutil.which("promtool"), "promtool is not installed")
    http.post("/v1/chat/completions", json={"messages": CAPITAL, "max_tokens": 4})
    result = subprocess.run(["promtool", "check", "metrics"], input=http.get("/metrics").text, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_completion_is_counted(http):
    before = {name: total(http, name) for name in ("stellar_generation_tokens_total", "stellar_prompt_tokens_total")}
    answer = http.post("/v1/chat/completions", json={"messages": CAPITAL, "max_tokens": 5, "ignore_eos": True}).json()
    assert answer["usage"]["completion_tokens"] == 5
    assert total(http, "stellar_generation_tokens_total") - before["stellar_generation_tokens_total"] == 5
    assert total(http, "stellar_prompt_tokens_total") - before["stellar_prompt_tokens_total"] == 37
    assert total(http, "stellar_time_to_first_token_seconds_count") > 0


def test_requests_are_counted_by_route_and_status(http):
    def count():
        keys = samples(http)
        return sum(v for k, v in keys.items() if k.startswith("api_requests_total") and 'status="404"' in k)

    before = count()
    for path in ("/v1/nowhere", "/v1/somewhere/else/42"):
        http.get(path)
    assert count() == before + 2
    assert not any("somewhere" in key for key in samples(http)), "raw paths would make endless series"
