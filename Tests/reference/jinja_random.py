#!/usr/bin/env python3
"""Writes random templates with what Python's jinja2 makes of them, in the form of cases.json.

    python3 Tests/reference/jinja_random.py OUTPUT [COUNT] [SEED]

STELLAR_JINJA_CASES=OUTPUT then makes the Swift tests replay them.
"""

import copy
import json
import random
import sys

import jinja2.nodes

from jinja_cases import outcome, plain
from jinja_expressions import VARIABLES

# Differences that remain are those of texts that hold the address of a Python generator.
# Left out: `safe` and `escape`, whose results we treat as plain text, and `wordcount`, which counts the words of a generator's address.
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


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, items):
        return self.random.choice(items)

    def expression(self, depth):
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
            return f"{self.atomic(inner)} is {self.pick(['', 'not '])}{self.pick(TESTS)}"
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
            head = f"for {self.pick(['x', 'y', 'x, y'])} in {self.expression(1)}{test}"
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


def main():
    path = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    writer = Writer(seed)
    cases = []
    while len(cases) < count:
        source = writer.output(3) if len(cases) % 2 else writer.body(3)
        try:
            case = {"template": source, "variables": "expressions", **outcome(source, copy.deepcopy(VARIABLES))}
        except SystemExit:
            continue
        if len(case.get("result", "")) < 100000 and " at 0x" not in case.get("result", "").lower():
            cases.append(case)
    with open(path, "w") as file:
        json.dump({"variables": {"expressions": plain(VARIABLES)}, "templates": {}, "cases": cases}, file, ensure_ascii=False)
    print(f"{len(cases)} cases, {sum('error' in case for case in cases)} errors", file=sys.stderr)


if __name__ == "__main__":
    main()
