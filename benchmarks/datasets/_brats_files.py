"""Which files of a BraTS challenge are a patient's FLAIR volume and mask.

Names differ from year to year: to 2021 they are ``Brats18_..._flair.nii.gz`` and
``..._seg.nii.gz``, from 2023 on ``BraTS-GLI-...-t2f.nii.gz`` and ``...-seg.nii.gz``,
here and there in capitals. One site unpacks each file into a folder of the file's own
name, as in ``x_flair.nii/x_flair.nii``, where the inner name may say nothing.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.errors import UserError
from benchmarks.datasets._file_search import (
    describe_left_out,
    not_read,
    suffix_of,
    walk,
)

SUFFIXES = (".nii", ".nii.gz")
MISNAMED_CHOICES = ("refuse", "take")
KINDS = {"flair": ("flair", "t2f"), "seg": ("seg",)}
_NAMED_AS = {
    kind: re.compile(rf"(?:^|[_-])(?:{'|'.join(ends)})$", re.IGNORECASE)
    for kind, ends in KINDS.items()
}
_OTHER_SEQUENCE = re.compile(
    r"(?:^|[_-])(?:t1|t1ce|t1c|t1n|t1gd|t1w|t1post|t2|t2w|pd|dwi|adc|swi)$",
    re.IGNORECASE,
)
# From 2023 on a name ends with the number of the visit: BraTS-GLI-00005-100 and -101
# are one patient's.
_VISIT = re.compile(r"^(BraTS-[A-Z]+(?:-[A-Z]+)?-\d+)-\d{3}$", re.IGNORECASE)
# Formats of volumes that are not read, worth a word where they lie.
_OTHER_FORMATS = (".mha", ".mhd", ".nrrd", ".dcm", ".mgz", ".hdr", ".img")


@dataclass(frozen=True)
class Patient:
    """A patient's folder, as it is named below that of the set, and two volumes."""

    name: str
    flair: Path
    mask: Path
    folder: Path = Path()

    @property
    def group(self) -> str:
        """What all visits of the patient have in common."""
        visit = _VISIT.match(self.folder.name)
        return visit[1] if visit else self.name


@dataclass(frozen=True)
class _Volume:
    """A file, and the name without ending that says what it is."""

    file: Path
    stem: str

    def is_a(self, kind: str) -> bool:
        return _NAMED_AS[kind].search(self.stem) is not None


def find_patients(
    path: Path, left_out: Counter[str], misnamed: str = "refuse", skip: bool = False
) -> list[Patient]:
    """Find the folders with a FLAIR volume and a mask, in the order of their names.

    Parameters
    ----------
    path : Path
        The set's folder.
    left_out : Counter
        Patients without a mask, such as those for validation, are counted there, and
        folders that are no patient's.
    misnamed : {"refuse", "take"}
        What to do where a mask is missing and one other volume may be it.
    skip : bool
        Whether to leave out and count patients with too many or too few files.

    Raises
    ------
    UserError
        If there is no patient with both, or, but with `skip`, one of them has not
        exactly one of each.
    """
    folders = _group_by_folder(path, left_out)
    patients: list[Patient] = []
    for folder in sorted(folders):
        try:
            patients += _patients_in(path, folder, folders[folder], misnamed, left_out)
        except UserError:
            if not skip:
                raise
            left_out["patients without exactly one FLAIR volume and one mask"] += 1
    if not patients:
        beside = f" ({describe_left_out(left_out)})" if left_out else ""
        what = (
            "no folder with both a FLAIR volume and a mask"
            if folders
            else ("no .nii or .nii.gz file")
        )
        raise UserError(
            f"{path}: {what} in it or below{beside}; give the folder that holds the "
            "folders of the patients for training"
        )
    return patients


def _group_by_folder(path: Path, left_out: Counter[str]) -> dict[Path, list[_Volume]]:
    """Find the volumes of each patient's folder."""
    folders: dict[Path, dict[str, _Volume]] = defaultdict(dict)
    for file in walk(path, left_out):
        suffix = suffix_of(file)
        if suffix in _OTHER_FORMATS:
            left_out[not_read(file)] += 1
        if suffix not in SUFFIXES:
            continue
        folder, name = file.parent, file.name
        if folder != path and suffix_of(folder) in SUFFIXES:
            # A folder with the name of the file that was unpacked into it.
            folder, name = folder.parent, folder.name
        stem = name[: -len(suffix_of(Path(name)))]
        known = folders[folder].get(stem)
        if known is None:
            folders[folder][stem] = _Volume(file, stem)
        elif suffix_of(known.file) != suffix:
            left_out[
                "volumes that lie there gzipped and not, of which one is read"
            ] += 1
        else:
            raise UserError(
                f"{file.parent}: several volumes in a folder with a file's name; keep "
                f"the one that it is named after, beside {known.file.name} is another"
            )
    return {folder: list(volumes.values()) for folder, volumes in folders.items()}


def _patients_in(
    path: Path,
    folder: Path,
    volumes: list[_Volume],
    misnamed: str,
    left_out: Counter[str],
) -> Iterator[Patient]:
    """Make patients of a folder's volumes: one, or all where it holds several."""
    flairs = [volume for volume in volumes if volume.is_a("flair")]
    masks = [volume for volume in volumes if volume.is_a("seg")]
    place = folder.relative_to(path)
    if not flairs and not masks:
        left_out["folders with neither a FLAIR volume nor a mask"] += 1
        return
    if len(flairs) > 1 and (pairs := _pair_by_prefix(flairs, masks)):
        for prefix, (flair, mask) in pairs.items():
            name = (place / prefix).as_posix()
            yield Patient(name, flair.file, mask.file, folder / prefix)
        return
    flair = _only(folder, "flair", flairs)
    if not masks:
        masks = _misnamed_masks(folder, volumes, misnamed)
    if not masks:
        left_out["patients without a mask"] += 1
        return
    yield Patient(
        place.as_posix(), flair.file, _only(folder, "seg", masks).file, folder
    )


def _only(folder: Path, kind: str, found: list[_Volume]) -> _Volume:
    if len(found) == 1:
        return found[0]
    newer = "" if kind == "seg" else " (from 2023 on: *-t2f)"
    raise UserError(
        f"{folder}: {len(found) or 'no'} files *_{kind}.nii or .nii.gz{newer}; each "
        "patient needs exactly one, in a folder of its own"
    )


def _pair_by_prefix(
    flairs: list[_Volume], masks: list[_Volume]
) -> dict[str, tuple[_Volume, _Volume]]:
    """Pair volumes that lie in one folder by their names, or none of them."""
    by_prefix = {
        kind: {_NAMED_AS[kind].sub("", volume.stem): volume for volume in volumes}
        for kind, volumes in (("flair", flairs), ("seg", masks))
    }
    if len(by_prefix["flair"]) != len(flairs) or not set(by_prefix["flair"]) <= set(
        by_prefix["seg"]
    ):
        return {}
    return {
        prefix: (flair, by_prefix["seg"][prefix])
        for prefix, flair in by_prefix["flair"].items()
    }


def _misnamed_masks(
    folder: Path, volumes: list[_Volume], misnamed: str
) -> list[_Volume]:
    """Return the volume that may be a missing mask, if the user takes it as one."""
    candidates = [
        volume
        for volume in volumes
        if not volume.is_a("flair") and not _OTHER_SEQUENCE.search(volume.stem)
    ]
    if not candidates or (misnamed == "take" and len(candidates) == 1):
        return candidates
    names = " or ".join(volume.file.name for volume in candidates)
    advice = f"rename it to {folder.name}_seg{suffix_of(candidates[0].file)}"
    if len(candidates) == 1:
        advice += ", or take it as the mask with brats,misnamed=take:DIR"
    raise UserError(
        f"{folder}: no files *_seg.nii or .nii.gz, but {names} may be the mask; if so, "
        f"{advice}; else remove it"
    )
