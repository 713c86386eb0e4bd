"""What can be wrong with a fix: its text, or what it meets."""


class FixError(ValueError):
    """A fix, a condition or a mapping file cannot be read; the text says where and what it takes."""


class Unfixable(ValueError):
    """One dead letter cannot be fixed, or not so; the text is a clause that says why."""
