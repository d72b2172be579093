#!/usr/bin/python3
"""Prints one line for each way in which DOCUMENT breaks SCHEMA: schema_violations.py SCHEMA DOCUMENT.

A keyword that no validator knows is a violation, too, so that a schema cannot promise what nobody checks.
"""
import json
import sys

from jsonschema import Draft202012Validator

UNCHECKED = {"$schema", "$id", "$defs", "title", "description"}


def unknown_keywords(schema, where="schema"):
    if not isinstance(schema, dict):
        return
    for keyword, rule in schema.items():
        if keyword in ("properties", "$defs"):
            for name, inner in rule.items():
                yield from unknown_keywords(inner, f"{where}.{name}")
        elif keyword in ("items", "additionalProperties"):
            yield from unknown_keywords(rule, f"{where}.{keyword}")
        elif keyword not in UNCHECKED and keyword not in Draft202012Validator.VALIDATORS:
            yield f"{where}: the keyword {keyword} is not known"


def main():
    with open(sys.argv[1]) as schema_file, open(sys.argv[2]) as document_file:
        schema, document = json.load(schema_file), json.load(document_file)
    Draft202012Validator.check_schema(schema)
    lines = [*unknown_keywords(schema)]
    lines += [f"{error.json_path}: {error.message[:200]}" for error in Draft202012Validator(schema).iter_errors(document)]
    print("\n".join(lines), end="")


main()
