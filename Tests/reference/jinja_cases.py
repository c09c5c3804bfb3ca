#!/usr/bin/env python3
"""Writes Tests/StellarInferenceTests/Fixtures/jinja/cases.json: templates and what Python's jinja2 makes of them.

The environment is the one in which transformers renders chat templates. Run with a Python that has transformers and jinja2:

    python3 Tests/reference/jinja_cases.py
"""

import json
import os
import sys

import jinja2

from jinja_environment import compile_template
from jinja_expressions import EXPRESSIONS, VARIABLES
from jinja_programs import PROGRAMS
from jinja_styles import CONVERSATIONS, STYLES

def plain(value):
    """JSON that keeps the order of keys and the difference of 1 and 1.0 in any reader."""
    if isinstance(value, dict):
        return {"object": [[key, plain(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return {"double": repr(value)}
    return value


def outcome(source, variables):
    try:
        template = compile_template(source)
    except (jinja2.TemplateSyntaxError, SyntaxError):
        return {"error": "syntax"}
    try:
        result = template.render(**variables)
        if " at 0x" in result:
            raise SystemExit(f"{source!r} prints an address")
        return {"result": result}
    except jinja2.exceptions.TemplateError as error:
        if type(error) is jinja2.exceptions.TemplateError:
            return {"error": "raised", "message": str(error)}
        return {"error": "rendering"}
    except Exception:
        return {"error": "rendering"}


def main():
    shared = {"expressions": VARIABLES, **CONVERSATIONS}
    cases = []
    for source in EXPRESSIONS:
        wrapped = source if "{" in source and ("{{" in source or "{%" in source) else "{{ " + source + " }}"
        cases.append({"template": wrapped, "variables": "expressions"})
    for source in PROGRAMS:
        cases.append({"template": source, "variables": "expressions"})
    templates = {}
    for name, source in STYLES.items():
        templates[name] = source
        for conversation in CONVERSATIONS:
            cases.append({"style": name, "variables": conversation})
    for case in cases:
        source = templates[case["style"]] if "style" in case else case["template"]
        case.update(outcome(source, shared[case["variables"]]))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../StellarInferenceTests/Fixtures/jinja/cases.json")
    document = {"variables": {name: plain(value) for name, value in shared.items()}, "templates": templates, "cases": cases}
    with open(path, "w") as file:
        json.dump(document, file, ensure_ascii=False, indent=0)
    errors = sum("error" in case for case in cases)
    print(f"{len(cases)} cases ({errors} errors), {os.path.getsize(path)} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
