"""`stellarchat`, the program for the terminal."""

import json


def test_inspect_says_what_is_in_the_file(cli, model_file):
    result = cli("inspect", model_file)
    assert result.returncode == 0, result.stderr
    for word in ("llama", "8192", "Q4_1", "49152"):
        assert word in result.stdout


def test_generate_is_the_same_each_time_when_greedy(cli, model_file):
    arguments = ("generate", model_file, "--prompt", "The capital of France is", "--max-tokens", "8", "--temperature", "0")
    first, second = cli(*arguments), cli(*arguments)
    assert first.returncode == 0 and first.stdout.strip()
    assert first.stdout == second.stdout


def test_tokenize_gives_one_array_a_line_or_one_for_all(cli, model_file, tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("Hello world\n\n你好 123\n")
    result = cli("tokenize", model_file, "--file", file, "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines[0] == [19556, 905] and lines[1] == [] and len(lines) == 3
    whole = json.loads(cli("tokenize", model_file, "--file", file, "--whole", "--json").stdout)
    assert len(whole) > sum(map(len, lines)), "the line ends are tokens too"


def test_bench_reports_figures_as_json(cli, model_file):
    options = {"prompt-tokens": 64, "generate-tokens": 8, "depth": 0, "sequences": 2, "threads": 2, "repetitions": 2}
    result = cli("bench", model_file, *(word for key, value in options.items() for word in (f"--{key}", value)), "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    for name in ("prefill_tokens_per_second", "decode_tokens_per_second", "load_seconds", "peak_resident_bytes"):
        assert 0 < report[name]["min"] <= report[name]["median"] <= report[name]["max"]


def test_a_wrong_option_is_a_usage_error(cli, model_file):
    result = cli("generate", model_file, "--prompt", "hi", "--max-tokens", "-1")
    assert result.returncode != 0 and "max-tokens" in result.stderr
    assert cli("no-such-command").returncode != 0


def test_chat_reads_messages_and_streams_replies(cli, model_file):
    result = cli("chat", model_file, "--temperature", "0", stdin="What is the capital of France?\n")
    assert result.returncode == 0, result.stderr
    assert "Paris" in result.stdout
