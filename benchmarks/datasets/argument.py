"""A data set as an argument of the command line."""

import argparse

from benchmarks.common.errors import UserError
from benchmarks.datasets._registry import check_spec


def dataset(text: str) -> str:
    """Check what names a data set, as argparse asks for it."""
    try:
        return check_spec(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
