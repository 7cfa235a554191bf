#!/usr/bin/env python3
"""json_schema.py SCHEMA: validates the JSON document on standard input, and prints what is wrong with it.

Has the keywords of JSON Schema (draft 2020-12) that contrib/wg-show.schema.json uses; any other keyword is an error, so
that nothing is left unchecked. Objects with a repeated key are refused."""
import json
import re
import sys

IGNORED = {"$schema", "$defs", "title", "description"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int}


class Invalid(Exception):
    pass


def require(condition, path, what):
    if not condition:
        raise Invalid(f"{path or '/'}: {what}")


def check_object(root, schema, value, path):
    for key in schema.get("required", []):
        require(key in value, path, f"no {key}")
    for key, item in value.items():
        if "propertyNames" in schema:
            check(root, schema["propertyNames"], key, f"{path}/{key}")
        rule = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        require(rule is not False and rule is not None, path, f"unknown key {key}")
        check(root, rule, item, f"{path}/{key}")


def check(root, schema, value, path=""):
    for word, rule in schema.items():
        if word in IGNORED:
            continue
        if word == "$ref":
            target = root
            for part in rule.removeprefix("#/").split("/"):
                target = target[part]
            check(root, target, value, path)
        elif word == "type":
            require(isinstance(value, TYPES[rule]) and not isinstance(value, bool), path, f"is no {rule}")
        elif word == "enum":
            require(value in rule, path, f"{value!r} is not one of {rule}")
        elif word in ("minimum", "maximum"):
            require(value >= rule if word == "minimum" else value <= rule, path, f"{value} is out of range")
        elif word in ("minLength", "maxLength"):
            require(len(value) >= rule if word == "minLength" else len(value) <= rule, path, "length out of range")
        elif word == "pattern":
            require(re.search(rule, value), path, f"{value!r} does not match {rule}")
        elif word == "items":
            for i, item in enumerate(value):
                check(root, rule, item, f"{path}/{i}")
        elif word in ("properties", "additionalProperties", "required", "propertyNames"):
            if word == "additionalProperties":
                check_object(root, schema, value, path)
            else:
                require("additionalProperties" in schema, path, "schema without additionalProperties")
        else:
            raise Invalid(f"{path}: the schema has the keyword {word}, which this program does not know")


def without_repetition(pairs):
    if len(dict(pairs)) != len(pairs):
        raise Invalid(f"a key is repeated: {[k for k, _ in pairs]}")
    return dict(pairs)


def load(text):
    return json.loads(text, object_pairs_hook=without_repetition)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        rules = json.load(file)
    try:
        check(rules, rules, load(sys.stdin.buffer.read().decode("utf-8")))
    except (Invalid, ValueError) as problem:
        sys.exit(str(problem))
