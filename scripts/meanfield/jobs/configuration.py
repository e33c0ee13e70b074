"""
The check of the configuration before any job starts: one line naming the key, the value, what is allowed.

Imported by the Snakefile, so it needs nothing but jsonschema and PyYAML, which Snakemake brings. (Snakemake's own
`validate` prints the schema instead of a sentence.)
"""

import json
import math
import os
from contextlib import suppress
from functools import reduce
from operator import getitem
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import best_match

from meanfield.errors import MeanfieldError
from meanfield.jobs.plan import CORRECTED, SUFFIXES, is_own, protocol_of
from meanfield.jobs.sizes import DELIMITERS, data_size, parts

WORDS = {
    "integer": "a whole number",
    "number": "a finite number, such as 0.01 or 1.0e-2 (YAML takes 1e-2 for text)",
    "boolean": "true or false (after --config: True or False)",
    "string": "text",
    "object": "a mapping of keys to values",
    "array": "a list",
    "null": "null",
}


CLAIMS = "claims.schema.yaml"  # beside the schema of the configuration: that of claims.stated
COMMON = {"test_size", "split_seed"}
DIGITS = {"labels", "pixel_scale", "residual_output", "loss"}
OWN = {"task", "scaling", "stratify", "loss"}
TEXT = {"delimiter", "decimal"}  # of CSV and TSV
KEYS_OF = {
    "file": COMMON | {"residual_output"},
    "packaged": COMMON | OWN,
    "downloaded": {"samples", "pixel_scale", "loss"},
    "table": COMMON | OWN | TEXT | {"features", "target", "encode", "missing"},
}
"""Keys of each kind of dataset; the published digits have COMMON and DIGITS."""


def _is_integer(_, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# JSON Schema takes 5.0 for an integer and NaN for a number; the rules do not.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number})
_Validator = validators.extend(Draft202012Validator, type_checker=_TYPES)


def _validator(schema: str | Path) -> Draft202012Validator:
    with open(schema) as stream:
        return _Validator(yaml.safe_load(stream))


def typed(config: dict, given: dict, schema: str | Path) -> None:
    """Have a configuration's values that were `given` as --config of the types that the schema asks for, in place.

    Snakemake reads all values within a mapping or list as text: optimizer='{learning_rate: 0.1}' gives "0.1". Such text that
    the schema (a YAML file) refuses is read again, as YAML; what is still wrong then is for `check` to say.
    """
    for error in list(_validator(schema).iter_errors(config)):
        *outer, last = error.absolute_path or [None]
        with suppress(KeyError, IndexError, TypeError, yaml.YAMLError):
            if isinstance(error.instance, str) and reduce(getitem, [*outer, last], given) == error.instance:
                reduce(getitem, outer, config)[last] = yaml.safe_load(error.instance)


def located(stated: str, root: str | Path) -> str:
    """Where the file of claims.stated is: here, or in the project, below `root`, where there is none of that name here."""
    ours = Path(root) / stated
    return os.path.relpath(ours) if not Path(stated).exists() and ours.is_file() else stated


def check(config: dict, schema: str | Path) -> None:
    """MeanfieldError, one line, if the configuration breaks the schema (a YAML file) or contradicts itself."""
    error = best_match(_validator(schema).iter_errors(config))
    if error is not None and error.validator == "required" and not error.absolute_path:
        missing = ", ".join(name for name in error.validator_value if name not in config)
        raise MeanfieldError(
            "configuration: the project's own config/config.yaml was not read, or no longer says everything; missing: "
            f"{missing}. Restore it or, in a workflow that uses this one as a module, read it first: configfile: "
            '"PROJECT/config/config.yaml" (config/README.md)'
        )
    if error is not None:
        raise MeanfieldError(f"configuration: {_sentence(error)}")
    _check_activations(config["activations"])
    for name, dataset in config["datasets"].items():
        _check_dataset(name, dataset)
    seen = set()
    for position, experiment in enumerate(config["experiments"]):
        pair = (experiment["dataset"], str(experiment["architecture"]))
        if pair[0] not in config["datasets"]:
            allowed = ", ".join(config["datasets"])
            raise MeanfieldError(f"configuration: experiments[{position}].dataset is {pair[0]!r}; allowed: {allowed}")
        own = is_own(config["datasets"][pair[0]])
        protocol = None if own else protocol_of(experiment, config)  # data of one's own are named alike by both
        if (*pair, protocol) in seen:
            raise MeanfieldError(f"configuration: experiments[{position}] repeats {pair[0]} {pair[1]}; name each pair once")
        seen.add((*pair, protocol))
    _check_batches(config)
    for axis, tasks in config["claims"].items():
        for task, name in tasks.items() if axis != "stated" else ():
            if name.removesuffix(CORRECTED) not in config["datasets"]:
                raise MeanfieldError(
                    f"configuration: claims.{axis}.{task} is {name!r}; allowed: {', '.join(config['datasets'])}, "
                    f"each also with {CORRECTED}"
                )
    if config["claims"]["stated"]:
        _check_stated(config, Path(schema).absolute().with_name(CLAIMS))


def _check_batches(config: dict) -> None:
    """A batch is no larger than the training set, where its size is known; of a table the job that trains says so."""
    size = config["optimizer"]["batch_size"]
    for name in dict.fromkeys(experiment["dataset"] for experiment in config["experiments"]):
        dataset = config["datasets"][name]
        if size and "table" not in dataset:
            if "downloaded" in dataset:
                training = parts(dataset)[0]
            else:
                samples = data_size(dataset)[0]
                training = samples - math.ceil(dataset["test_size"] * samples)  # as scikit-learn's train_test_split rounds
            if size > training:
                raise MeanfieldError(
                    f"configuration: optimizer.batch_size is {size} and {name} has {training} training samples; allowed: 1 "
                    f"to {training}, or null for all of them"
                )


def _check_stated(config: dict, schema: Path) -> None:
    """The file of claims of one's own is there, of the form that a schema asks for, and its names are known."""
    stated = located(config["claims"]["stated"], schema.parents[2])
    if not Path(stated).is_file():
        raise MeanfieldError(
            f"configuration: claims.stated is {stated!r}; there is no such file, seen from {Path.cwd().name}/"
        )
    where = f"configuration: claims.stated, {stated}:"
    try:
        content = yaml.safe_load(Path(stated).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise MeanfieldError(f"{where} cannot be read as YAML ({' '.join(str(error).split())[:200]})") from error
    rules = Draft202012Validator(yaml.safe_load(schema.read_text()))  # its numbers may be infinite
    error = best_match(rules.iter_errors(content))
    if error is not None:
        raise MeanfieldError(f"{where} {_sentence(error)}")
    from meanfield.ensemble import claims  # with NumPy, pandas and SciPy, which no other check needs
    from meanfield.model.registry import KNOWN

    tasks = {task for axis, named in config["claims"].items() if axis != "stated" for task in named}
    formulas = [entry["name"] for entry in config["activations"] if isinstance(entry, dict)]
    try:
        claims.read(stated, sorted(tasks), [*KNOWN, *formulas])
    except MeanfieldError as error:
        raise MeanfieldError(f"configuration: claims.stated, {error}") from error


def _check_activations(definitions: list[str | dict]) -> None:
    """Formulas are understood, and names are there once."""
    if any(isinstance(entry, dict) for entry in definitions):
        from meanfield.model.registry import read  # with NumPy and SymPy, which no other check needs

        try:
            read(definitions)
        except MeanfieldError as error:
            raise MeanfieldError(f"configuration: {error}") from error


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
    allowed = KEYS_OF.get(kind, COMMON | DIGITS) | {kinds[0]}
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
    missing = [key for key in (*needed, *sorted(COMMON & allowed, reverse=True)) if key not in dataset]
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
    if task == "regression" and dataset.get("loss", "squared") != "squared":
        raise MeanfieldError(f"configuration: datasets.{name}.loss is {dataset['loss']}; allowed for a regression: squared")
    if dataset.get("loss") == "softmax" and dataset.get("residual_output") == "esp":
        raise MeanfieldError(
            f"configuration: datasets.{name}.residual_output is esp, which is the original's with sigmoids; allowed with "
            "loss softmax: probability"
        )
    if kind == "table" and not Path(dataset["table"]).is_file():
        path = dataset["table"]
        raise MeanfieldError(
            f"configuration: datasets.{name}.table is {path!r}; there is no such file, seen from {Path.cwd().name}/"
        )


def _sentence(error: ValidationError) -> str:
    """What a validation error says, for a person."""
    key = _dotted(error.absolute_path) or "top level"
    value = json.dumps(error.instance, default=str, skipkeys=True)
    if len(value) > 80:
        value = value[:77] + "..."
    hint = error.schema.get("description", "")
    rule = error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema["properties"]
            unknown = ", ".join(repr(name) for name in error.instance if name not in known)
            return f"{key}: unknown key {unknown}; allowed: {', '.join(known)}"
        case "required":
            missing = ", ".join(name for name in rule if name not in error.instance)
            return f"{key}: missing key {missing}"
        case "propertyNames":
            return f"{key}: the name {value} is not allowed; {hint}"
        case "enum":
            signs = (json.dumps(entry) if entry is None or not str(entry)[-1].isalnum() else str(entry) for entry in rule)
            allowed = "allowed: " + ", ".join(signs)  # ";" and the like in quotes
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
