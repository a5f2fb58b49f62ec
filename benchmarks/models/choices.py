"""A model as an argument of the command line, and the list of what can be named."""

from benchmarks.common.arguments import named
from benchmarks.datasets import describe
from benchmarks.models.entries import MODELS, models_of
from benchmarks.models.model import Program

# Names and the headings of tables: SCD01 robust is scd01-robust.
model = named(
    "model",
    {s: entry.name for entry in MODELS.values() for s in (entry.label, entry.name)},
)


def list_choices(program: Program) -> str:
    """Return the data sets and models, each with a line about it."""
    by_default = models_of(program)
    lines = ["data sets:"]
    lines += [f"  {name:<14} {text}" for name, text in describe().items()]
    lines.append("models (in brackets: only if named):")
    for name, entry in MODELS.items():
        shown = name if name in by_default else f"[{name}]"
        lines.append(f"  {shown:<19} {entry.label:<18} {entry.summary}")
    return "\n".join(lines)
