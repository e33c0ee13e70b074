"""How large datasets are, before they are made. Imported by the Snakefile, so it needs nothing but the standard library."""

from pathlib import Path

DELIMITERS = {".csv": ",", ".tsv": "\t"}  # of tables whose settings do not say

# Samples, features and labels of what the datasets are made of, before they are made.
SIZES = {
    "TF/Lindata.mat": (51, 2, 1),
    "TF/NLdata.mat": (863, 2, 1),
    "digits": (1797, 64, 10),
    "diabetes": (442, 10, 1),
    "iris": (150, 4, 3),
    "wine": (178, 13, 3),
    "breast_cancer": (569, 30, 1),
    "mnist": (70_000, 784, 10),
}
PARTS = {"mnist": (60_000, 10_000)}  # samples to train on and to test with, of data that come in two parts


def parts(dataset: dict) -> tuple[int, int]:
    """Training and test samples of a downloaded dataset: all, or the first so many of each part."""
    whole = PARTS[dataset["downloaded"]]
    return tuple(min(size, dataset.get("samples") or size) for size in whole)


def data_size(dataset: dict) -> tuple[int, int, int]:
    """Samples, features and labels of a dataset's settings; of a table of the user's own about so many.

    Its lines or, of a binary file, its numbers count as samples; each column that is encoded has 10 categories, a target of
    one column 10 labels, and features that are not named are the columns of its first line, or 100.
    """
    if "downloaded" in dataset:
        return sum(parts(dataset)), *SIZES[dataset["downloaded"]][1:]
    if "table" not in dataset:
        return SIZES[dataset.get("file") or dataset["packaged"]]
    table, features, target = Path(dataset["table"]), dataset.get("features"), dataset["target"]
    binary = table.suffix not in DELIMITERS
    with open(table, "rb") as stream:
        head = b"" if binary else stream.readline()
        samples = table.stat().st_size // 8 if binary else 1 + sum(1 for _ in stream)
    if isinstance(features, list):
        columns = len(features)
    elif features is None and not binary:
        columns = head.count(dataset.get("delimiter", DELIMITERS[table.suffix]).encode())  # the target aside
    else:
        columns = 100 if binary else 1
    labels = len(target) if isinstance(target, list) and len(target) > 1 else 10
    return samples, max(columns, 1) + 9 * len(dataset.get("encode", ())), labels
