"""Arguments of the command lines, and what is said of wrong ones."""

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser whose errors come first, with a single line on usage below.

    argparse prints the usage first: that of a long list of options hides the error.
    """

    def __init__(self, prog: str, description: str, epilog: str | None = None):
        super().__init__(
            prog=prog,
            description=description,
            epilog=epilog,
            usage="%(prog)s [options]",
        )

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, then how to get help, and exit with status 2."""
        print(f"{self.prog}: error: {message}", file=sys.stderr)
        print(f"usage: {self.prog} [options]; --help explains them", file=sys.stderr)
        sys.exit(2)


def positive(text: str) -> int:
    """Read a whole number above 0."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number


def named(what: str, spellings: Mapping[str, str]) -> Callable[[str], str]:
    """Return what reads one of the names that the values of `spellings` are.

    Capitals, spaces and punctuation don't count.

    Parameters
    ----------
    what : str
        What is named, for the error.
    spellings : mapping of str to str
        What may be typed, and the name that it stands for.
    """
    by_letters = {_letters(typed): name for typed, name in spellings.items()}
    known = {name: name for name in spellings.values()}

    def read(text: str) -> str:
        found = by_letters.get(_letters(text))
        if found is None:
            raise argparse.ArgumentTypeError(
                f"unknown {what} {text!r}{suggest(text, known)} "
                f"(choose from {', '.join(known)})"
            )
        return found

    return read


def suggest(name: str, known: Mapping[str, str]) -> str:
    """Return a question that names what is nearest to `name`, or no text.

    Parameters
    ----------
    name : str
        What is not known.
    known : mapping of str to str
        Names in lower case, and how each is typed.
    """
    near = difflib.get_close_matches(name.casefold(), known)
    return f"; did you mean {' or '.join(known[n] for n in near)}?" if near else ""


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())
