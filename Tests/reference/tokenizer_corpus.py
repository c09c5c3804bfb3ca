"""Varied lines of text to compare tokenizers on, the same for the same seed."""

import random
import sys
import unicodedata

PHRASES = """
The quick brown fox jumps over the lazy dog. I'm sure they've said it'll rain, but he'd rather not; we're fine, isn't it? DON'T, I'LL, we'Re
Pack my box with five dozen liquor jugs, and don't forget the 1,234,567 nails at $3.99 each (about 5% off).
It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness.
天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。寒来暑往，秋收冬藏。
我能吞下玻璃而不伤身体。今天天气很好，我们去公园散步吧！你知道 2026 年有多少天吗？
人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心。
吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。
カタカナとひらがなと漢字、全角１２３とＡＢＣ、半角ｱｲｳ。
모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 안녕하세요! 반갑습니다.
يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. مرحبا بالعالم ١٢٣٤٥
כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. שָׁלוֹם עֲלֵיכֶם
सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। नमस्ते दुनिया १२३
মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে। ০১২৩
மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர். తెలుగు భాష ಕನ್ನಡ മലയാളം
มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ สวัสดีชาวโลก ๑๒๓
Все люди рождаются свободными и равными в своем достоинстве и правах. Привет, мир! Ёжик їжак ґанок
Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.
Բոլոր մարդիկ ծնվում են ազատ ու հավասար։ ყველა ადამიანი იბადება თავისუფალი. ሰላም ዓለም ខ្មែរ ພາສາລາວ မြန်မာ
Zażółć gęślą jaźń. Příliš žluťoučký kůň úpěl ďábelské ódy. Árvíztűrő tükörfúrógép. Fußgänger über Straßen. Tiếng Việt rất đẹp.
L'été dernier, j'ai vu l'œuvre « Là-bas » à 7 h 30… C'était n'importe quoi ! ¿Qué tal, señor? ¡Olé! İstanbul'da ığdır
def fibonacci(n: int) -> int:\\n    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)  # O(2^n)
for (int i = 0; i < 10; ++i) { printf("%d\\t%s\\n", i, names[i]); } /* C */ #include <stdio.h>
let total = items.map { $0.price * Double($0.count) }.reduce(0, +) // Swift: `a ?? b`, x!.y?.z, @MainActor
SELECT name, COUNT(*) FROM users WHERE age >= 18 AND city <> 'Paris' GROUP BY name HAVING COUNT(*) > 1;
<div class="a b" style='color:#ff00aa'>&nbsp;<br/></div> {"key": [1, 2.5e-3, null, true], "x\\u00e9": "\\\\"}
https://example.org/a/b?c=d&e=f#g user.name+tag@example.co.uk 192.168.0.1 ::1 C:\\Users\\x ~/.bashrc $HOME 100%
E = mc² ½ ⅓ Ⅳ ⅻ ① ㊿ ∑∞∫√≈≠≤≥ × ÷ ± → ⇒ ∀x∈ℝ: ⌈x⌉ − 1 < x  10⁻⁹ H₂O ℵ₀ 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟘𝟙𝟚 𝒳
😀😃 👩‍👩‍👧‍👦 👍🏽 🇫🇷🇯🇵 🏳️‍🌈 ❤️‍🔥 👨🏿‍🚀 🧑‍💻 #️⃣ *️⃣ 1️⃣ ☠︎ ☠️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿
e\u0301 é a\u0308\u0304 ā̈ Z̸̡̛͎a̷̧͝l̵g̶o̵ ก็็็็ ʰʷ ͤ ſ ﬁ ﬀ Å Å ｶﾞ ﾞ
<|im_start|>user\\nhello<|im_end|> <|endoftext|> </s> [INST] <|im_start <|im_end|>> <repo_name> <|IM_END|> <filename>x
""".strip().split("\n")

SPACES = " \t\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000\u180e\u200b\u200d\ufeff"
RANGES = [
    (0x20, 0x7F), (0x00, 0x20), (0x80, 0x250), (0x250, 0x3FF), (0x300, 0x370), (0x400, 0x530), (0x590, 0x700), (0x900, 0xE00),
    (0xE00, 0x1200), (0x1200, 0x2000), (0x2000, 0x2C00), (0x2C00, 0x3100), (0x3040, 0x3200), (0x4E00, 0xA000), (0xA000, 0xAC00),
    (0xAC00, 0xD7B0), (0xE000, 0xFB00), (0xFB00, 0x10000), (0x10000, 0x12000), (0x12000, 0x1D000), (0x1D000, 0x1F000),
    (0x1F000, 0x20000), (0x20000, 0x32400), (0x32400, 0x110000),
]


def scalar(generator, ranges=None):
    low, high = generator.choice(ranges or RANGES)
    value = generator.randrange(low, high)
    return " " if value == 10 or 0xD800 <= value < 0xE000 else chr(value)


def natural(generator):
    line = generator.choice(PHRASES)
    start = generator.randrange(len(line))
    return line[start:start + generator.randrange(1, 200)]


def mixed(generator):
    words = [word for _ in range(generator.randrange(1, 6)) for word in [generator.choice(generator.choice(PHRASES).split(" "))]]
    return "".join(word + generator.choice(["", " ", " ", " ", "  ", "'s", "'", ". ", ", ", "-", "_", "7", " 42"]) for word in words)


def code(generator):
    indent = generator.choice(["    ", "\t", "  "]) * generator.randrange(5)
    name = "".join(generator.choice("abcdefghijklmnopqrstuvwxyzABCXYZ_0189") for _ in range(generator.randrange(1, 20)))
    return indent + generator.choice([
        f"if ({name} != 0x{generator.randrange(1 << 32):x}) {{ return &{name}->next[{generator.randrange(99)}]; }}",
        f"def {name}(self, *args, **kwargs):  # TODO: {natural(generator)}",
        f"let {name}: [String: Int] = [\"{natural(generator)}\": {generator.random()}]",
        f"    }}\t\t// {name}", f"#define {name.upper()} ({generator.randrange(10**9)}UL << {generator.randrange(64)})",
        f"print(f'{{{name}!r:>{generator.randrange(40)}}}')", "=" * generator.randrange(1, 120), "-" * generator.randrange(1, 90),
    ])


def blanks(generator):
    others = ["a", "1", "!", "'s", "é", "中", "٣"]
    return "".join(
        generator.choice(SPACES) * generator.choice([1, 1, 2, 3, 8]) if generator.random() < 0.7 else generator.choice(others)
        for _ in range(generator.randrange(1, 20)))


def scalars(generator):
    ranges = generator.sample(RANGES, generator.randrange(1, 4))
    return "".join(scalar(generator, ranges) for _ in range(generator.randrange(1, 60)))


def control(generator):
    return "".join(generator.choice([chr(generator.randrange(0x20)), chr(0x7F + generator.randrange(0x21)), "x", " "])
                   for _ in range(generator.randrange(1, 30))).replace("\n", "\r")


def marks(generator):
    text = "".join(generator.choice("aeiouแกका가") + "".join(chr(generator.randrange(0x300, 0x370)) for _ in range(generator.randrange(4)))
                   for _ in range(generator.randrange(1, 20)))
    return unicodedata.normalize(generator.choice(["NFC", "NFD", "NFKC", "NFKD"]), text)


def emoji(generator):
    people = "👨👩🧑👧👦❤🏳🏴☠👍✋🔥🌈💻🚀1#"
    joiners = ["\u200d", "\ufe0f", "\ufe0f\u200d", "\U0001F3FB", "\U0001F3FF", "", " ", "\u20e3", "\U000E0067", "\U0001F1EB\U0001F1F7"]
    return "".join(generator.choice(people) + generator.choice(joiners) for _ in range(generator.randrange(1, 24)))


def random_bytes(generator):
    return generator.randbytes(generator.randrange(1, 80)).replace(b"\n", b"").decode("utf-8", "replace")


def long_word(generator):
    part = generator.choice(["a", "ab", "the", "=", "é", "中", "0", "ا", "ACGT", "!?", "supercalifragilistic", "\u0301", "_-"])
    return (part * generator.randrange(1, 3000 // len(part)))[:generator.randrange(1, 3000)]


def letters(generator):
    return "".join(generator.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ'éßøаб") for _ in range(generator.randrange(1, 150)))


def numbers(generator):
    digits = "0123456789" + "٠٣٩०५๑๙０９²³½Ⅷ①㊿𝟘𝟡୩𑁦𞥐"
    return "".join(generator.choice(digits if generator.random() < 0.7 else " .,-+eE%$'xs\t") for _ in range(generator.randrange(1, 40)))


KINDS = [
    (natural, 22), (mixed, 20), (code, 12), (blanks, 10), (scalars, 12), (control, 3), (marks, 4), (emoji, 4), (random_bytes, 4),
    (long_word, 1), (letters, 4), (numbers, 4),
]


def lines(count, seed):
    generator = random.Random(seed)
    makers = generator.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS], k=count)
    result = [line.replace("\n", " ") for line in (maker(generator) for maker in makers)]
    return PHRASES + ["", " ", "'", "'s", " 's", "\r", "\0"] + result


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for line in lines(int(sys.argv[1]), int(sys.argv[2])):
        print(line)
