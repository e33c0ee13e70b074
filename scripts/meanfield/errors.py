"""The one exception that is written for people: a single line with what, where, what is allowed and the remedy."""


class MeanfieldError(ValueError):
    """Bad input, configuration or numbers. The message is one line; the traceback belongs in the job's log."""
