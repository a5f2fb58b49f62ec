"""Slices of brain MRI, with tumor or without, from the volumes of a BraTS challenge.

Each patient has a folder, perhaps below others such as ``HGG`` and ``LGG``, with a
FLAIR volume, ``*_flair.nii`` or ``*-t2f.nii``, and the mask of the tumor,
``*_seg.nii`` or ``*-seg.nii``, both perhaps gzipped; other sequences are not read.
Patients without a mask, as a challenge has them for validation, are left out. What
becomes of the others:

- Axial slices, whichever way the volume is stored. A slice is abnormal if the mask has
  a voxel in it, and normal if not.
- The background is 0, or NaN, or else the value that all eight corners have: a header
  may scale values, and some programs shift them.
- Slices with little brain are left out, of both classes alike, so that the amount of
  brain does not tell the classes apart: a slice counts if its brain, the voxels of
  FLAIR that are no background, covers a quarter of the area that it has in the volume's
  fullest slice. How high in the head a slice lies still tells something of its class.
- Gray values run from the 0.5th to the 99.5th percentile of the volume's brain, clipped
  to that range; the background is black.
- As many normal slices as abnormal ones are drawn from each patient, and, where they
  have enough, as many from one patient as from another.
"""

import re
from collections import Counter
from pathlib import Path

import numpy as np
from skimage.transform import resize
from tqdm import tqdm

from benchmarks.common.errors import UserError, check_modules
from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets._brats_files import MISNAMED_CHOICES, Patient, find_patients
from benchmarks.datasets._file_search import (
    check_folder,
    describe_left_out,
    name_some,
    shown_name,
)
from benchmarks.datasets._picture_files import SIZE
from benchmarks.datasets._volumes import Volume, check_same_grid, read_volume

__all__ = ["MISNAMED_CHOICES", "Patient", "load_brats"]

VERSION = 2
PER_CLASS = 1462  # as many as the paper used
MIN_BRAIN = 0.25  # of the area in the fullest slice
GREY_RANGE = (0.5, 99.5)  # percentiles
CLASSES = ("normal", "abnormal")
OTHER_ORIGIN = (
    "masks with another origin in space than their volume taken to lie on it voxel by "
    "voxel"
)
LEAST_LABEL = 0.5  # labels are whole numbers, but for what rounding did to them
YEAR = re.compile(r"brats(?:20)?(\d\d)_", re.IGNORECASE)


def load_brats(
    path: Path,
    per_class: int = PER_CLASS,
    misnamed: str = "refuse",
    skip_unreadable: bool = False,
) -> Recipe:
    """Load the slices, gray, 96x96, as many of one class as of the other.

    Parameters
    ----------
    path : Path
        Holds the patients' folders, at any depth.
    per_class : int
        Slices of each class, or fewer where patients have not enough of both; drawn at
        random, for the same files always the same ones.
    misnamed : {"refuse", "take"}
        What to do where a mask is missing and one other volume may be it, as with
        patient 355 of BraTS 2020.
    skip_unreadable : bool
        Whether to leave out and count patients whose files are not complete, cannot be
        read or do not fit each other.

    Returns
    -------
    Recipe
        Of a set grouped by patient. Its name has the challenge's year, as in
        ``brats18``, if the names of the patients' folders do.

    Raises
    ------
    UserError
        If there is no patient with volume and mask, or one has a mask alone or several
        volumes; when it is read, if a file cannot be, or if they do not fit each other.
    """
    check_modules(("nibabel",))
    check_folder(path, "brats")
    left_out: Counter[str] = Counter()
    patients = find_patients(path, left_out, misnamed, skip_unreadable)
    files = tuple(file for one in patients for file in (one.flair, one.mask))
    return Recipe(
        "brats",
        VERSION,
        path,
        files,
        read=lambda: _read(path, patients, per_class, left_out, skip_unreadable),
        options={
            "per_class": per_class,
            "misnamed": misnamed,
            "skip_unreadable": skip_unreadable,
        },
        left_out=left_out,
    )


def _read(
    path: Path,
    patients: list[Patient],
    per_class: int,
    left_out: Counter[str],
    skip: bool,
) -> Dataset:
    title = shown_name(path.resolve())
    rng = np.random.default_rng(0)
    shares = _share_out(per_class, len(patients), rng)
    bar = tqdm(patients, f"reading {title}", leave=False, disable=None)
    left_out = left_out.copy()
    notes: Counter[str] = Counter()
    images, y, group, refused = [], [], [], []
    for patient, share in zip(bar, shares, strict=True):
        if share == 0:
            left_out[f"patients that per_class={per_class} does not need"] += 1
            continue
        try:
            flair, mask = read_volumes(patient, notes)
            low, high = grey_range(patient, flair)
        except UserError:
            if not skip:
                raise
            refused.append(patient.name)
            continue
        drawn = draw_slices(flair, mask, share, rng)
        if not len(drawn[0]):
            reason = "of both classes with enough brain" if mask.any() else "with tumor"
            left_out[f"patients without slices {reason}"] += 1
        for code, slices in enumerate(drawn):
            images += [_to_image(flair[..., z], low, high) for z in slices]
            y += [code] * len(slices)
            group += [patient.group] * len(slices)
    if refused:
        left_out["patients with unreadable or unfit volumes"] = len(refused)
    if not images:
        raise UserError(
            f"{path}: no patient has slices both with tumor and without among those "
            f"with enough brain ({describe_left_out(left_out)}); give more patients"
        )
    return Dataset(
        name=_challenge(patients),
        X=np.stack(images),
        y=np.asarray(y, dtype=np.intp),
        class_names=CLASSES,
        source=f"BraTS, FLAIR, {len(images) // 2:,} slices a class drawn from folder "
        f"{title}, resized to {SIZE}x{SIZE}",
        licence="terms of the BraTS challenge",
        group=np.asarray(group),
        left_out=left_out,
        remarks=(
            *(f"{what} ({count:,})" for what, count in notes.items()),
            *([f"unreadable or unfit: {name_some(refused)}"] if refused else []),
        ),
    )


def _share_out(total: int, n_shares: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a number into shares that differ by at most one, the larger at random."""
    shares = np.full(n_shares, total // n_shares)
    shares[rng.permutation(n_shares)[: total % n_shares]] += 1
    return shares


def _challenge(patients: list[Patient]) -> str:
    """Name the set by the year if all patients are of the same challenge."""
    found = [YEAR.match(patient.folder.name) for patient in patients]
    years = {match[1] if match else "" for match in found}
    return f"brats{years.pop()}" if len(years) == 1 else "brats"


def read_volumes(
    patient: Patient, notes: Counter[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read a patient's FLAIR volume and mask, turned the same way.

    Parameters
    ----------
    patient : Patient
    notes : Counter, optional
        What was unusual is counted there.

    Returns
    -------
    flair : ndarray of shape (width, depth, height), dtype float32
        Axes run to the patient's right, front and top; the background is 0.
    mask : ndarray of bool, same shape
        Where the tumor is.

    Raises
    ------
    UserError
        If a file is unreadable or holds no such thing, or the two differ in shape or in
        the places that they cover.
    """
    notes = Counter() if notes is None else notes
    volume, mask = read_volume(patient.flair), read_volume(patient.mask)
    if not check_same_grid(volume, mask):
        notes[OTHER_ORIGIN] += 1
    return _clear_background(volume, notes), _tumour(mask)


def _clear_background(volume: Volume, notes: Counter[str]) -> np.ndarray:
    """Return the values with 0 for the background."""
    values = volume.values
    is_nan = np.isnan(values)
    if is_nan.all():
        raise UserError(f"{volume.file}: holds NaN alone; give numbers")
    if np.isinf(values).any():
        raise UserError(f"{volume.file}: holds infinity; give numbers")
    if is_nan.any():
        notes["NaN taken for background in FLAIR volumes"] += 1
        return np.where(is_nan, np.float32(0), values)
    corners = values[np.ix_(*[(0, -1)] * 3)]
    if (corners == corners[0, 0, 0]).all():
        return values - corners[0, 0, 0]
    return values


def _tumour(mask: Volume) -> np.ndarray:
    """Return where the mask has a label."""
    labels = np.where(np.isnan(mask.values), np.float32(0), mask.values)
    if labels.min() < 0 or 0 < labels.max() < LEAST_LABEL:
        raise UserError(
            f"{mask.file}: a mask with values from {labels.min():g} to "
            f"{labels.max():g}; give whole numbers, 0 where there is no tumor"
        )
    return labels >= LEAST_LABEL


def grey_range(patient: Patient, flair: np.ndarray) -> tuple[float, float]:
    """Return the values that become black and white, from the voxels of the brain.

    Raises
    ------
    UserError
        If they are the same, or there is no brain.
    """
    brain = flair[flair != 0]
    low, high = np.percentile(brain, GREY_RANGE) if brain.size else (0, 0)
    if low == high:
        raise UserError(
            f"{patient.flair}: no contrast (values from {flair.min():g} to "
            f"{flair.max():g}); give a FLAIR volume or remove the patient's folder"
        )
    return float(low), float(high)


def draw_slices(
    flair: np.ndarray, mask: np.ndarray, n_slices: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw axial slices with enough brain, as many normal as abnormal ones.

    Parameters
    ----------
    flair, mask : ndarray of shape (width, depth, height)
        As `read_volumes` returns them.
    n_slices : int
        How many of each, or as many as both classes have if that is less.
    rng : Generator
        Draws them.

    Returns
    -------
    normal, abnormal : ndarray of int
        Positions along the last axis, in order.
    """
    area = np.count_nonzero(flair, axis=(0, 1))
    counts = area >= MIN_BRAIN * area.max()
    abnormal = mask.any(axis=(0, 1))
    classes = np.flatnonzero(counts & ~abnormal), np.flatnonzero(counts & abnormal)
    n_drawn = min(n_slices, *map(len, classes))
    normal, abnormal = (
        np.sort(rng.choice(slices, n_drawn, replace=False)) for slices in classes
    )
    return normal, abnormal


def _to_image(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    """Make a uint8 image of a slice, its front at the top."""
    grey = np.where(pixels == 0, 0, np.clip((pixels - low) / (high - low), 0, 1))
    resized = resize(np.rot90(grey), (SIZE, SIZE), order=1, anti_aliasing=True)
    return np.rint(resized * 255).astype(np.uint8)
