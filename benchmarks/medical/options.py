"""The options of ``python -m benchmarks.medical``."""

import argparse
from pathlib import Path

from benchmarks.common.arguments import Parser, positive
from benchmarks.datasets.argument import dataset
from benchmarks.datasets.splits import KINDS
from benchmarks.medical.paper import TABLE_1
from benchmarks.medical.protocols import PROTOCOLS
from benchmarks.models import MODELS, models_of
from benchmarks.models.choices import model

# With these all eleven models took 396 processor seconds on two busy cores: training
# 133 (ResNet18 61), HopSkipJump 141, certificates and white-box attacks 111, report 8.
DEFAULT_DATASET = "colon-ihc"
DEFAULT_SEEDS = 1
DEFAULT_VOTES = 20
DEFAULT_PROTOCOL = "quick"
DEFAULT_OUTPUT = "medical-results"


def make_parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = Parser(
        "python -m benchmarks.medical",
        "Compare sign networks with common baselines on medical images.",
        "--list tells the data sets and models.",
    )
    _add_what_is_compared(parser)
    _add_training(parser)
    _add_attacks(parser)
    _add_run(parser)
    return parser


def _add_what_is_compared(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--dataset",
        nargs="+",
        type=dataset,
        default=[DEFAULT_DATASET],
        metavar="NAME",
        help=f"data sets of --list (default: {DEFAULT_DATASET}), options before the "
        "colon: histology,classes=01_TUMOR+08_EMPTY:DIR",
    )
    by_default = models_of("medical")
    left_out = [name for name in MODELS if name not in by_default]
    add(
        "--models",
        nargs="+",
        type=model,
        default=by_default,
        metavar="NAME",
        help=f"models (default: all but {', '.join(left_out)})",
    )
    add(
        "--split",
        choices=KINDS,
        default="auto",
        help="auto: the set's own, else by group if it has groups, else random",
    )
    add(
        "--paper-row",
        choices=["auto", "none", *TABLE_1],
        default="auto",
        help="which of the paper's sets the data set is (auto: by its name and size)",
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--seeds",
        type=positive,
        default=DEFAULT_SEEDS,
        metavar="N",
        help="run the seeds 0 to N-1, each with its own split (default: %(default)s)",
    )
    add(
        "--votes",
        type=positive,
        default=DEFAULT_VOTES,
        metavar="N",
        help="networks a vote is taken over (default: %(default)s; the paper: 100)",
    )
    add(
        "--vote-all",
        action="store_true",
        help="vote over runs of LeNet and ResNet18, too, which are single runs by "
        "default for their cost",
    )
    add(
        "--train-iter",
        type=positive,
        metavar="N",
        help="iterations of a sign network and epochs of the others, for a quick trial "
        "(default: each model's own)",
    )


def _add_attacks(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--protocol",
        choices=[*PROTOCOLS, "none"],
        default=DEFAULT_PROTOCOL,
        help="how test images are attacked: "
        + "; ".join(
            f"{p.name}: {p.images} images, {p.restarts} restarts, {p.max_iter} "
            f"iterations, {p.init_size} images to start from"
            for p in PROTOCOLS.values()
        )
        + "; none: not at all (default: %(default)s)",
    )
    for knob, what in (
        ("images", "test images attacked"),
        ("restarts", "attacks an image, the smallest perturbation counts"),
        ("max-iter", "iterations of an attack"),
        ("init-size", "images to start from"),
    ):
        add(
            f"--{knob}",
            type=positive,
            metavar="N",
            help=f"{what} (default: the protocol's)",
        )
    add(
        "--no-white-box",
        dest="white_box",
        action="store_false",
        help="leave out certificates and white-box attacks, which follow those of the "
        "protocol",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--resume",
        action="store_true",
        help="go on with the run in the output folder: what it finished with the same "
        "settings is not computed again",
    )
    add(
        "--output",
        type=Path,
        default=Path(DEFAULT_OUTPUT),
        metavar="DIR",
        help="folder for results, replacing earlier ones (default: %(default)s)",
    )
    add(
        "--jobs",
        type=positive,
        metavar="N",
        help="processor cores to use (default: all)",
    )
    add(
        "--no-cache",
        dest="cache",
        action="store_false",
        help="decode images anew and keep none for the next run (kept in the user's "
        "cache folder, or the one that SKLEARN_SCD_CACHE names)",
    )
    add(
        "--skip-unreadable",
        action="store_true",
        help="leave out and count images and patients that can't be read",
    )
    add("--list", action="store_true", help="list data sets and models, then stop")
