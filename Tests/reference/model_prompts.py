"""The prompts of the model reference: conversations (rendered with the model's chat template) and raw texts (encoded as they are)."""

SYSTEM = {"role": "system", "content": "You are a terse assistant. Answer in one sentence."}


def user(content):
    return {"role": "user", "content": content}


def assistant(content):
    return {"role": "assistant", "content": content}


def inventory(items):
    """A long, varied, deterministic text: a warehouse report with `items` entries."""
    goods = ["copper wire", "oak boards", "glass jars", "wool blankets", "paper rolls", "steel bolts", "clay tiles", "rice sacks"]
    towns = ["Lisbon", "Oslo", "Kyoto", "Quito", "Nairobi", "Perth", "Riga"]
    states = ["intact", "slightly damp", "missing its label", "ready to ship", "waiting for inspection"]
    lines = []
    for i in range(items):
        good, town, state = goods[i * 5 % 8], towns[i * 3 % 7], states[i * 2 % 5]
        lines.append(f"Entry {i + 1}: {(i * 37) % 91 + 4} crates of {good} from {town}, {state}.")
    return "\n".join(lines)


CODE = '''def mean(values):
    total = 0
    for value in values:
        total += value
    return total / len(values)
'''

CONVERSATIONS = {
    "single-turn": [user("What is the capital of France?")],
    "greeting": [user("Hi")],
    "one-character": [user("?")],
    "empty-content": [user("")],
    "system-prompt": [SYSTEM, user("Why is the sky blue?")],
    "multi-turn": [
        user("My name is Ada and I live in Turin."),
        assistant("Nice to meet you, Ada! How is the weather in Turin?"),
        user("Sunny. What is my name, and where do I live?"),
    ],
    "multi-turn-system": [
        SYSTEM,
        user("Name a primary colour."),
        assistant("Red."),
        user("Another one."),
        assistant("Blue."),
        user("Which one did you name first?"),
    ],
    "chinese": [user("请用一句话介绍一下北京的历史。")],
    "chinese-multi-turn": [user("你好！"), assistant("你好！有什么可以帮你的吗？"), user("写一首关于春天的短诗。")],
    "japanese-korean-russian": [user("Translate into English: こんにちは世界 / 안녕하세요 / Привет, мир")],
    "right-to-left": [user("What language is this? مرحبا بالعالم — שלום עולם")],
    "emoji": [user("Describe these in words: 🎉🚀👩‍👩‍👧‍👦🇫🇷❤️‍🔥")],
    "code-python": [user("Explain this function and fix the bug for empty lists:\n\n```python\n" + CODE + "```")],
    "code-swift": [user("Write a Swift function that reverses a string.")],
    "json": [user('Return the names as a JSON array: {"people": [{"name": "Ann", "age": 31}, {"name": "Bo", "age": 7}]}')],
    "math": [user("If a train travels 120 km in 1.5 hours, what is its average speed? Show each step.")],
    "latex": [user(r"Simplify \(\frac{x^2 - 9}{x + 3}\) and solve \(2x + 7 = 19\).")],
    "digits": [user("Sort these: 1234567890, 42, 3.14159, 1e-9, 0x1F, 2026-11-23, 007")],
    "whitespace": [user("  leading,\ttabs\t\tand   runs \n\n\n of    spaces   and 7   digits  ")],
    "markdown": [user("Make a table:\n\n| Item | Price |\n|---|---|\n| Tea | 3 |\n| Cake | 5 |\n\n**Add** a *total* row.")],
    "html": [user("What does <a href=\"https://example.org/?q=1&amp;p=2\">this</a> do?")],
    "instructions": [user("List three uses of a paper clip. Use exactly three bullet points and no introduction.")],
    "story": [user("Tell me a short story about a lighthouse keeper who collects storms.")],
    "unusual-role": [{"role": "tool", "content": "temperature: 21 °C"}, user("What did the tool say?")],
    "long-1500": [user("Here is a warehouse report.\n\n" + inventory(72) + "\n\nHow many entries does the report have?")],
}

RAW = {
    "raw-one-token": "The",
    "raw-two-tokens": "Once upon",
    "raw-sentence": "The quick brown fox jumps over the lazy",
}
