"""Types of command-line arguments."""

import argparse


def positive(text: str) -> int:
    """Read a whole number above 0."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number
