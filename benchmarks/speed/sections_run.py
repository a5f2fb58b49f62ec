"""A run, section after section, the record written after each."""

import argparse
import dataclasses
import time
from collections.abc import Mapping

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.models.cost import duration
from benchmarks.speed.made_images import given_images
from benchmarks.speed.measurements import SpeedRecord
from benchmarks.speed.sections import SECTIONS, Section
from benchmarks.speed.speed_tables import render_section, render_targets


def run(
    arguments: argparse.Namespace, sections: dict[str, Section] | None = None
) -> None:
    """Carry out what the command line asks for.

    Parameters
    ----------
    arguments : argparse.Namespace
        As ``__main__.parse_arguments`` returns it.
    sections : dict, optional
        By default those of ``sections.py``.

    Raises
    ------
    UserError
        If the data set or the output file is unusable.
    """
    sections = SECTIONS if sections is None else sections
    names = [name for name in sections if name in arguments.sections]
    if arguments.data:  # wrong ones end a run before it replaces an earlier record
        given_images(arguments.data, arguments.skip_unreadable)
    record = SpeedRecord(arguments.output, _recorded(arguments))
    print(
        estimate({name: sections[name] for name in names}, arguments.quick), flush=True
    )
    with tqdm(total=len(names), desc="sections", unit="section", leave=False) as bar:
        for name in names:
            bar.set_description(name)
            start = time.perf_counter()
            # One thread for BLAS too: MLPs and products are no faster than we are.
            with threadpool_limits(limits=1):
                found = sections[name].run(
                    _sizes(name, sections[name], arguments), bar.set_postfix_str
                )
            record.add(name, found, time.perf_counter() - start)
            tqdm.write(render_section(record.data["sections"][name]) + "\n")
            bar.update()
    record.finish()
    print(render_targets(record.data))
    print(f"\nWritten to {arguments.output}")


def estimate(sections: Mapping[str, Section], quick: bool) -> str:
    """Say how long a run will take, from what its sections took once.

    Parameters
    ----------
    sections : mapping of str to Section
    quick : bool
        Whether sizes are those of a quick run.
    """
    known = [s.seconds[quick] for s in sections.values() if s.seconds is not None]
    unknown = [name for name, s in sections.items() if s.seconds is None]
    said = "Estimate: "
    said += f"{duration(sum(known))}, give or take a factor of two" if known else "none"
    if unknown:
        said += f"; not in it, for want of measurements: {', '.join(unknown)}"
    return f"{said}."


def _sizes(name: str, section: Section, arguments: argparse.Namespace) -> object:
    """Return the sizes of a section with what the user set."""
    sizes = section.quick if arguments.quick else section.full
    changes: dict[str, object] = {}
    if arguments.repeats and hasattr(sizes, "repeats"):
        changes["repeats"] = arguments.repeats
    if arguments.data and hasattr(sizes, "data"):
        changes["data"] = arguments.data
        changes["skip_unreadable"] = arguments.skip_unreadable
    return dataclasses.replace(sizes, **changes)


def _recorded(arguments: argparse.Namespace) -> dict:
    kept = ("quick", "sections", "repeats", "data")
    return {name: getattr(arguments, name) for name in kept}
