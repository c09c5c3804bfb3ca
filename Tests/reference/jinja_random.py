#!/usr/bin/env python3
"""Writes random templates with what Python's jinja2 makes of them, in the form of cases.json.

    python3 Tests/reference/jinja_random.py OUTPUT [COUNT] [SEED]

STELLAR_JINJA_CASES=OUTPUT then makes the Swift tests replay them.
"""

import copy
import json
import random
import re
import sys
import warnings

import jinja2
import jinja2.nodes

from jinja_cases import outcome, plain
from jinja_expressions import VARIABLES

# Left out: texts that hold the address of a Python generator, and what depends on their length; `safe` and `escape`, whose results we
# treat as plain text; integers beyond 64 bits; tests with a dot in their name, which no template has.
# Python's jinja2 evaluates constant expressions early, and there a slice of something that has none is undefined, not an error.


def _no_folding(*_):
    raise jinja2.nodes.Impossible


jinja2.nodes.Getitem.as_const = _no_folding

ATOMS = """s u pad empty n neg f t no nothing missing xs words mixed d nested users lines html big fs 0 1 2 -1 3.5 10 'a' 'l' '' ' ' 'Hello' '\\n'
'%s' '{}' true false none [] {} () (1,2) [1,2,3] ['b','a'] {'k':1} d.a nested.x users[0] users[0].name xs[0] words[1] range(3) loop x y""".split()
FILTERS = """abs batch(2) batch(2,'x') capitalize center(9) count d('z') default('z') default('z',true) dictsort dictsort(reverse=true) first float
format(1) format('a') groupby('age') indent indent(2,true) int int(5) items join join('-') last length list lower map('upper') map('length')
map(attribute='name') map(attribute=0) max min reject('odd') rejectattr('admin') replace('l','L') replace('','-') replace('a','b',1) reverse round
round(1) round(1,'floor') select select('string') selectattr('age') selectattr('age','gt',26) slice(2) sort sort(reverse=true)
sort(attribute='name') string sum sum(start=1) title tojson tojson(indent=2) trim trim('lH') truncate(5) truncate(5,true,'') unique upper""".split()
TESTS = """defined undefined none boolean true false integer float number string mapping iterable sequence odd even divisibleby(2) lower upper in([1,'a'])
eq(1) ne(1) gt(1) lt(1) sameas(none)""".split()
METHODS = """upper() lower() title() strip() lstrip() rstrip('d') split() split('l') split('l',1) rsplit('l',1) splitlines() startswith('H') endswith('d')
replace('l','L') find('l') count('l') format(1,2) join(['a','b']) items() keys() values() get('a') get('z',1) index('l') capitalize() isdigit()
partition('l') zfill(5) copy() pop('a') append(1) nope() center(7) rfind('o') isupper() swapcase() removeprefix('He')""".split()
OPERATORS = "+ - * / // % ** ~ == != < > <= >= in and or".split() + ["not in"]
SLICES = "[0] [-1] [1:] [:2] [::-1] ['a'] ['name'] [1:9:2] [5]".split()


# Expressions by the type of their value: most programs should run to their end, not stop at the first error.
TYPED = {
    "str": """s u pad empty 'a' 'l' ' ' 'Hello' users[0].name words[1] nested.name S~A S+S S|upper S|lower S|title S|trim S|capitalize
S|replace('l','L') S|replace('',S) S[1:] S[:2] S[::-1] S[I:] S|indent(2,true) L|join L|join('-') L|join(S) A|string A|tojson L|tojson(indent=2)
S.strip() S.lstrip() S.rstrip('d') S.replace('l',S) S.title() S.center(7) S.upper() S.zfill(5) S|truncate(5,true,'') (S if B else S) S|d('z')
S|center(9) I|string missing|d(S) '%s'|format(A) S|reverse A|string|length|string S.join(['a','b']) S.split('l')[0] S.splitlines()|join(S)""",
    "int": """n neg 0 1 2 10 -1 d.a users[0].age xs[0] L|length S|length I+I I-I I*2 I//3 I%5 I|abs S|int(5) S.count('l') S.find('o') (I if B else I) +I -I
F|int L|count xs|sum xs|max xs|min xs|first xs|last users|sum(attribute='age') S|wordcount D|length S.rfind('l') 2**3""",
    "float": "f 3.5 F+F F*2 I/2 F|round F|round(1) F|round(1,'floor') I|float S|float F-I fs[0] F/4 F|abs -F",
    "bool": """t no true false A==A A!=A I<I I<=F S>S S in S S in words I in xs A is defined missing is defined A is none A is string A is number
A is mapping A is iterable A is sequence I is odd I is even I is divisibleby(2) not(B) (B and B) (B or B) S.startswith('H') S.endswith(S) S.isdigit()
S is lower S is upper A is boolean I is eq(1) I is in([1,7]) A not in L I is not odd S is not string""",
    "list": """xs words mixed users fs [] [A,A] (I,S) L[1:] L[:2] L[::-1] L+[A] S|list S.split() S.split('l',1) L|reverse|list range(I%4)|list
words|sort words|sort(reverse=true) xs|sort words|unique|list users|map(attribute='name')|list L|map('string')|list xs|select('odd')|list
xs|reject('odd')|list users|selectattr('age','gt',26)|list users|rejectattr('admin')|list L|batch(2)|list L|batch(3,'x')|list L|slice(2)|list D|list
D.keys()|list D.values()|list D.items()|list D|items|list D|dictsort users|groupby('age')|list (L if B else L) L|list S.splitlines() nested.x.y
users|sort(attribute='name') users|map(attribute='tags')|list words|map('upper')|list words|map('replace','a',S)|list""",
    "dict": "d nested nested.x users[0] {} {'k':A} {'a':I,'b':S} D.copy() (D if B else D) {S:A} dict(a=A) users|first users|last",
    "any": "S I F B L D nothing none missing D.get('a') D.get('z',A) L|first L|last D.a L[0] L[-1] (A if B) A|d('z',true)",
}
TYPED = {kind: text.split() for kind, text in TYPED.items()}
TYPED["any"].append("(A if B)")
for kind, extra in {
    "str": ["A ~ A", "(S if B else S)", "S * 2"],
    "bool": ["not (B)", "(B and B)", "(B or B)", "A is none", "A is string", "I is odd", "A in L", "A is defined", "missing is defined"],
}.items():
    TYPED[kind] += extra
PLACES = {"S": "str", "I": "int", "F": "float", "B": "bool", "L": "list", "D": "dict", "A": "any"}


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def typed(self, kind, depth):
        options = TYPED[kind]
        if depth <= 0:
            options = [option for option in options if not re.search(r"(?<![a-z'])[SIFBLDA](?![a-z'])", option)] or ["none"]
        text = self.pick(options)
        return re.sub(
            r"(?<![a-zA-Z'])[SIFBLDA](?![a-zA-Z'])",
            lambda match: self.atomic(self.typed(PLACES[match.group()], depth - 1)),
            text,
        )

    def pick(self, items):
        return self.random.choice(items)

    def expression(self, depth):
        if self.random.random() < 0.92:
            return self.typed("any", depth)
        return self.wild(depth)

    def wild(self, depth):
        if depth <= 0 or self.random.random() < 0.1:
            return self.pick(ATOMS)
        inner = self.expression(depth - 1)
        kind = self.random.randrange(12)
        if kind < 4:
            return f"{self.atomic(inner)}|{self.pick(FILTERS)}"
        if kind < 5:
            return f"{self.atomic(inner)}.{self.pick(METHODS)}"
        if kind < 6:
            return f"{self.atomic(inner)}{self.pick(SLICES)}"
        if kind < 7:
            return f"({self.atomic(inner)} is {self.pick(['', 'not '])}{self.pick(TESTS)})"
        if kind < 10:
            right = self.expression(depth - 1)
            return f"{self.atomic(inner)} {self.pick(OPERATORS)} {self.atomic(right)}"
        if kind < 11:
            return f"{self.pick(['not ', '-', '+'])}{self.atomic(inner)}"
        return f"{self.atomic(inner)} if {self.atomic(self.expression(depth - 1))} else {self.atomic(self.expression(depth - 1))}"

    def atomic(self, text):
        return text if self.random.random() < 0.2 or text in ATOMS else f"({text})"

    def tag(self, text):
        return "{%" + self.pick(["", "", "-", "+"]) + f" {text} " + self.pick(["", "", "-"]) + "%}"

    def output(self, depth):
        return "{{" + self.pick(["", "", "-"]) + f" {self.expression(depth)} " + self.pick(["", "", "-"]) + "}}"

    def space(self):
        return self.pick(["", "", " ", "\n", "\n  ", "a", " b\n"])

    def body(self, depth):
        return "".join(self.space() + self.statement(depth - 1) + self.space() for _ in range(self.random.randint(1, 3)))

    def statement(self, depth):
        kind = self.random.randrange(12) if depth > 0 else 0
        if kind < 4:
            return self.output(2)
        if kind < 6:
            otherwise = self.tag("else") + self.body(depth) if self.random.random() < 0.5 else ""
            return self.tag(f"if {self.expression(2)}") + self.body(depth) + otherwise + self.tag("endif")
        if kind < 8:
            leave = self.tag(f"if {self.expression(1)}") + self.tag(self.pick(["break", "continue"])) + self.tag("endif")
            test = f" if {self.expression(1)}" if self.random.random() < 0.3 else ""
            head = f"for {self.pick(['x', 'y', 'x', 'y', 'x, y'])} in {self.typed('list', 1) if self.random.random() < 0.8 else self.expression(1)}{test}"
            otherwise = self.tag("else") + self.body(depth) if self.random.random() < 0.3 else ""
            return self.tag(head) + self.pick(["", leave]) + self.body(depth) + "{{ loop.index }}" + otherwise + self.tag("endfor")
        if kind < 9:
            return self.tag(f"set {self.pick(['x', 'y', 's', 'n'])} = {self.expression(2)}")
        if kind < 10:
            return self.tag("set x") + self.body(depth) + self.tag("endset") + "{{ x|length }}"
        if kind < 11:
            name = self.pick(["m", "w"])
            return self.tag(f"macro {name}(x, y=1)") + self.body(depth) + self.tag("endmacro") + "{{ " + name + "(" + self.expression(1) + ") }}"
        return self.tag(f"filter {self.pick(['upper', 'trim', 'title', 'length'])}") + self.body(depth) + self.tag("endfilter")


# What shows the length of a text but not the text.
LENGTHS = re.compile(r"\|\s*(length|count|wordcount)\b")
# Integers of more than 64 bits come about by these.
OUTSIDE = re.compile(r"big\)* *(\*|\*\*) |(\*|\*\*) \(*big")


def main():
    warnings.simplefilter("ignore")
    path = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    writer = Writer(seed)
    cases = []
    while len(cases) < count:
        if len(cases) % 1000 == 0:
            jinja2.clear_caches()
        source = writer.output(3) if len(cases) % 2 else writer.body(3)
        try:
            case = {"template": source, "variables": "expressions", **outcome(source, copy.deepcopy(VARIABLES))}
            shown = outcome(LENGTHS.sub("|string", source), copy.deepcopy(VARIABLES))
        except SystemExit:
            continue
        if OUTSIDE.search(source) or " at 0x" in shown.get("result", "").lower():
            continue
        if len(case.get("result", "")) < 100000 and " at 0x" not in case.get("result", "").lower():
            cases.append(case)
    with open(path, "w") as file:
        json.dump({"variables": {"expressions": plain(VARIABLES)}, "templates": {}, "cases": cases}, file, ensure_ascii=False)
    print(f"{len(cases)} cases, {sum('error' in case for case in cases)} errors", file=sys.stderr)


if __name__ == "__main__":
    main()
