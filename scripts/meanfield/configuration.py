"""
The check of the configuration before any job starts: one line naming the key, the value, what is allowed.

Imported by the Snakefile, so it needs nothing but jsonschema, which Snakemake brings. (Snakemake's own `validate` prints
the schema instead of a sentence.)
"""

import json
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match

from meanfield.errors import MeanfieldError


def check(config: dict, schema: str | Path) -> None:
    """MeanfieldError, one line, if the configuration breaks the schema (a YAML file) or contradicts itself."""
    with open(schema) as stream:
        validator = Draft202012Validator(yaml.safe_load(stream))
    error = best_match(validator.iter_errors(config))
    if error is not None:
        raise MeanfieldError(f"configuration: {_sentence(error)}")
    seen = set()
    for position, experiment in enumerate(config["experiments"]):
        pair = (experiment["dataset"], str(experiment["architecture"]))
        if pair[0] not in config["datasets"]:
            allowed = ", ".join(config["datasets"])
            raise MeanfieldError(f"configuration: experiments[{position}].dataset is '{pair[0]}'; allowed: {allowed}")
        if pair in seen:
            raise MeanfieldError(f"configuration: experiments[{position}] repeats {pair[0]} {pair[1]}; name each pair once")
        seen.add(pair)


def _sentence(error: ValidationError) -> str:
    """What a validation error says, for a person."""
    key = _dotted(error.absolute_path)
    value = json.dumps(error.instance, default=str)
    if len(value) > 80:
        value = value[:77] + "..."
    hint = error.schema.get("description", "")
    rule = error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema["properties"]
            unknown = ", ".join(repr(name) for name in error.instance if name not in known)
            return f"{key or 'top level'}: unknown key {unknown}; allowed: {', '.join(known)}"
        case "required":
            missing = ", ".join(name for name in rule if name not in error.instance)
            return f"{key or 'top level'}: missing key {missing}"
        case "propertyNames":
            return f"{key}: the name {value} is not allowed; {hint}"
        case "enum":
            allowed = "allowed: " + ", ".join(map(str, rule))
        case "type":
            names = " or ".join([rule] if isinstance(rule, str) else rule)
            allowed = "allowed: " + names.replace("boolean", "true or false (after --config: True or False)")
        case "minimum":
            allowed = f"allowed: at least {rule}"
        case "exclusiveMinimum":
            allowed = f"allowed: more than {rule}"
        case "maximum" | "exclusiveMaximum":
            allowed = f"allowed: {'less than' if error.validator.startswith('e') else 'at most'} {rule}"
        case "minItems" | "minProperties":
            allowed = f"allowed: at least {rule} entry"
        case "uniqueItems":
            allowed = "allowed: each entry once"
        case _:
            allowed = "not allowed"
    return f"{key} is {value}; {allowed}" + (f" ({hint})" if hint else "")


def _dotted(path) -> str:
    """experiments[0].architecture from its parts."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
