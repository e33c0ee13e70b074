"""
The check of the configuration before any job starts: one line naming the key, the value, what is allowed.

Imported by the Snakefile, so it needs nothing but jsonschema and PyYAML, which Snakemake brings. (Snakemake's own
`validate` prints the schema instead of a sentence.)
"""

import json
import math
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import best_match

from meanfield.errors import MeanfieldError
from meanfield.jobs.plan import CORRECTED, DELIMITERS, SUFFIXES

WORDS = {
    "integer": "a whole number",
    "number": "a finite number, such as 0.01 or 1.0e-2 (YAML takes 1e-2 for text)",
    "boolean": "true or false (after --config: True or False)",
    "string": "text",
    "object": "a mapping of keys to values",
    "array": "a list",
    "null": "null",
}


COMMON = {"test_size", "split_seed"}
DIGITS = {"labels", "pixel_scale", "residual_output"}
OWN = {"task", "scaling", "stratify"}
TEXT = {"delimiter", "decimal"}  # of CSV and TSV
KEYS_OF = {"file": {"residual_output"}, "packaged": OWN, "table": OWN | TEXT | {"features", "target", "encode", "missing"}}
"""Keys of each kind of dataset besides COMMON; the published digits have DIGITS."""


def _is_integer(_, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# JSON Schema takes 5.0 for an integer and NaN for a number; the rules do not.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
_Validator = validators.extend(Draft202012Validator, type_checker=_TYPES)


def check(config: dict, schema: str | Path) -> None:
    """MeanfieldError, one line, if the configuration breaks the schema (a YAML file) or contradicts itself."""
    with open(schema) as stream:
        validator = _Validator(yaml.safe_load(stream))
    error = best_match(validator.iter_errors(config))
    if error is not None:
        raise MeanfieldError(f"configuration: {_sentence(error)}")
    for name, dataset in config["datasets"].items():
        _check_dataset(name, dataset)
    seen = set()
    for position, experiment in enumerate(config["experiments"]):
        pair = (experiment["dataset"], str(experiment["architecture"]))
        if pair[0] not in config["datasets"]:
            allowed = ", ".join(config["datasets"])
            raise MeanfieldError(f"configuration: experiments[{position}].dataset is {pair[0]!r}; allowed: {allowed}")
        protocol = experiment.get("protocol", config["protocol"])
        if (*pair, protocol) in seen:
            raise MeanfieldError(f"configuration: experiments[{position}] repeats {pair[0]} {pair[1]}; name each pair once")
        seen.add((*pair, protocol))
    for axis, tasks in config["claims"].items():
        for task, name in tasks.items():
            if name.removesuffix(CORRECTED) not in config["datasets"]:
                raise MeanfieldError(
                    f"configuration: claims.{axis}.{task} is {name!r}; allowed: {', '.join(config['datasets'])}, "
                    f"each also with {CORRECTED}"
                )


def _check_dataset(name: str, dataset: dict) -> None:
    """A dataset is one of a published file, a packaged dataset and a table of one's own, and has the keys of its kind."""
    if name.endswith(tuple(SUFFIXES.values())):
        taken = " and ".join(SUFFIXES.values())
        raise MeanfieldError(
            f"configuration: datasets.{name}: names that end in {taken} are the workflow's own; choose another"
        )
    kinds = [kind for kind in KEYS_OF if kind in dataset]
    if len(kinds) != 1:
        given = " and ".join(kinds) or "none"
        raise MeanfieldError(f"configuration: datasets.{name} has {given} of {', '.join(KEYS_OF)}; give just one of them")
    kind = "digits" if dataset.get("packaged") == "digits" else kinds[0]
    allowed = COMMON | KEYS_OF.get(kind, DIGITS) | {kinds[0]}
    ending = Path(dataset.get("table", "")).suffix
    if kind == "table" and ending not in DELIMITERS:
        allowed -= TEXT
    stray = [key for key in dataset if key not in allowed]
    if stray:
        listed = ", ".join(sorted(allowed))
        raise MeanfieldError(
            f"configuration: datasets.{name}.{stray[0]} has no meaning for {kinds[0]} {dataset[kinds[0]]}; allowed: {listed}"
        )
    needed = {"digits": ("labels", "pixel_scale"), "table": ("target",)}.get(kind, ())
    missing = [key for key in needed if key not in dataset]
    if missing:
        raise MeanfieldError(f"configuration: datasets.{name}: missing key {', '.join(missing)}")
    task = dataset.get("task", "classification")
    if kind == "packaged" and (task == "regression") != (dataset["packaged"] == "diabetes"):
        allowed = "regression" if dataset["packaged"] == "diabetes" else "classification"
        raise MeanfieldError(f"configuration: datasets.{name}.task is {task}; allowed for {dataset['packaged']}: {allowed}")
    if dataset.get("scaling") == "all" and task != "regression":
        raise MeanfieldError(
            f"configuration: datasets.{name}.scaling is all, which scales the target; allowed: none, features"
        )
    if dataset.get("stratify") and task == "regression":
        raise MeanfieldError(f"configuration: datasets.{name}.stratify is true, which needs classes; allowed: false")
    if dataset.get("decimal", ".") == dataset.get("delimiter", DELIMITERS.get(ending)):
        raise MeanfieldError(
            f'configuration: datasets.{name}.decimal is ",", and so is the delimiter; set delimiter: ";", or what it is'
        )
    if kind == "table" and not Path(dataset["table"]).is_file():
        path = dataset["table"]
        raise MeanfieldError(
            f"configuration: datasets.{name}.table is {path!r}; there is no such file, seen from {Path.cwd().name}/"
        )


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
            signs = (json.dumps(entry) if not str(entry)[-1].isalnum() else str(entry) for entry in rule)  # ";" and the like
            allowed = "allowed: " + ", ".join(signs)
        case "type":
            allowed = "allowed: " + " or ".join(WORDS[name] for name in ([rule] if isinstance(rule, str) else rule))
        case "minimum":
            allowed = f"allowed: at least {rule}"
        case "exclusiveMinimum":
            allowed = f"allowed: more than {rule}"
        case "maximum" | "exclusiveMaximum":
            allowed = f"allowed: {'less than' if error.validator.startswith('e') else 'at most'} {rule}"
        case "minItems" | "minProperties":
            allowed = f"allowed: at least {rule} entry"
        case "maxItems":
            allowed = f"allowed: at most {rule} entries"
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
