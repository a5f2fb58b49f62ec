"""What is typed: any case, near names suggested, errors first; help tells defaults."""

import re

import pytest

from benchmarks.certified import __main__ as certified
from benchmarks.datasets import check_spec
from benchmarks.medical import __main__ as medical
from benchmarks.models import MODELS
from benchmarks.speed import __main__ as speed

PROGRAMS = {"medical": medical, "certified": certified, "speed": speed}


@pytest.mark.parametrize("program", [medical, certified], ids=["medical", "certified"])
def test_models_are_known_by_their_headings_and_names_in_any_case(program):
    for write in (str, str.upper, str.title):
        typed = [write(text) for model in MODELS.values()
                 for text in (model.name, model.label)]  # fmt: skip
        read = program.parse_arguments(["--models", *typed]).models
        assert read == [name for name in MODELS for _ in range(2)]


def test_data_sets_are_known_in_any_case_and_paths_kept():
    assert check_spec("Colon-IHC") == "colon-ihc"
    assert check_spec("NPZ:Some/Where.npz") == "npz:Some/Where.npz"
    assert check_spec("Folder,val=test:/A:B") == "folder,val=test:/A:B"


@pytest.mark.parametrize(
    ("name", "argv", "words"),
    [
        ("medical", ["--models", "SCD1"], "unknown model 'SCD1'; did you mean scd01"),
        ("certified", ["--models", "lenett"], "did you mean lenet?"),
        ("medical", ["--dataset", "colon"], "did you mean colon-ihc?"),
        ("certified", ["--dataset", "npz"], "did you mean npz:FILE?"),
        ("medical", ["--dataset", "folders:X"], "did you mean folder:DIR?"),
        (
            "speed",
            ["--sections", "grow"],
            "unknown section 'grow'; did you mean growth",
        ),
        ("medical", ["--protocol", "papers"], "invalid choice: 'papers'"),
        ("speed", ["--qick"], "unrecognized arguments: --qick"),
    ],
)
def test_an_error_comes_first_and_usage_is_one_line(capsys, name, argv, words):
    with pytest.raises(SystemExit) as stop:
        PROGRAMS[name].parse_arguments(argv)
    error, usage = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2
    assert error.startswith(f"python -m benchmarks.{name}: error: ")
    assert words in error
    assert (
        usage == f"usage: python -m benchmarks.{name} [options]; --help explains them"
    )


def test_a_name_like_none_gets_no_suggestion(capsys):
    with pytest.raises(SystemExit):
        medical.parse_arguments(["--models", "xyzzy"])
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_tells_the_default_of_each_option_with_a_value(capsys, name):
    with pytest.raises(SystemExit):
        PROGRAMS[name].parse_arguments(["--help"])
    usage, *_ = printed = capsys.readouterr().out.splitlines()
    assert usage == f"usage: python -m benchmarks.{name} [options]"
    options = re.split(r"\n  (?=--)", "\n".join(printed))[1:]
    for option in options:
        takes_value = re.match(r"--[\w-]+ [A-Z{]", option)
        if takes_value and not option.startswith("--plot"):
            assert re.search(r"default|auto:", option), option


@pytest.mark.parametrize("program", [medical, certified], ids=["medical", "certified"])
def test_list_names_every_model_and_which_run_by_default(capsys, program):
    assert program.main(["--list"]) == 0
    printed = capsys.readouterr().out
    name = program.__name__.split(".")[1]
    for model in MODELS.values():
        shown = model.name if name in model.programs else f"[{model.name}]"
        assert re.search(
            rf"^  {re.escape(shown)} +{re.escape(model.label)} ", printed, re.M
        )
    assert "  colon-ihc " in printed
