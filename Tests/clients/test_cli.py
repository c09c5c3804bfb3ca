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


def test_inspect_as_json(cli, model_file):
    report = json.loads(cli("inspect", model_file, "--json").stdout)
    assert report["family"] == "llama" and report["runs"] is True and report["context_length"] == 8192
    assert {use["type"] for use in report["tensor_types"]} >= {"Q4_1", "F32"}
    assert report["tokenizer"]["tokens"] == 49152 and report["chat_template"]["names"] == ["default"]


def test_logits_of_tokens(cli, model_file):
    arguments = ("logits", model_file, "--tokens", "19556,905,30", "--precision", "fp32", "--json")
    whole, single = json.loads(cli(*arguments).stdout), json.loads(cli(*arguments, "--chunk", "1").stdout)
    assert len(whole["argmax"]) == len(whole["logsumexp"]) == 3 and len(whole["last"]) == 49152
    assert max(range(49152), key=whole["last"].__getitem__) == whole["argmax"][-1]
    assert max(abs(a - b) for a, b in zip(whole["last"], single["last"])) < 1e-3
    for tokens in ("x", "1,,2", "49152", "-1"):
        result = cli("logits", model_file, f"--tokens={tokens}")
        assert result.returncode == 1 and "token" in result.stderr


def test_perplexity_and_what_quantising_costs(cli, model_file, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("The sun rises in the east and sets in the west. Water boils at one hundred degrees. " * 20)
    arguments = ("--context", "128", "--json")
    before = json.loads(cli("perplexity", model_file, text, *arguments).stdout)
    assert 1 < before["perplexity"] < 20 and before["context"] == 128 and before["tokens"] > 100 and before["seconds"] > 0
    quantised = tmp_path / "small.gguf"
    assert cli("quantize", model_file, quantised, "--type", "Q8_0").returncode == 0
    after = json.loads(cli("perplexity", quantised, text, *arguments).stdout)
    assert abs(after["perplexity"] / before["perplexity"] - 1) < 0.05
    assert cli("quantize", quantised, quantised, "--type", "Q4_0").returncode == 1, "not onto itself"


def test_render_prints_the_text_or_the_error(cli, tmp_path):
    template, conversation = tmp_path / "t.jinja", tmp_path / "c.json"
    template.write_text("{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if tools %}T{% endif %}")
    document = {"messages": [{"role": "user", "content": "ä\n"}], "tools": [{"type": "function"}], "bos_token": "<s>"}
    conversation.write_text(json.dumps(document))
    arguments = ("render", "--template", template, "--input", conversation)
    assert cli(*arguments).stdout == "<s><user>ä\nT"
    template.write_text("{{ raise_exception('no tools here') }}")
    result = cli(*arguments)
    assert result.returncode == 1 and "no tools here" in result.stderr and not result.stdout
    conversation.write_text("[1]")
    assert cli(*arguments).returncode == 1
