"""Slices of brain MRI, with tumour or without, from the volumes of a BraTS challenge.

Each patient has a folder, perhaps below others such as ``HGG`` and ``LGG``, with a
FLAIR volume ``*_flair.nii`` and the mask of the tumour ``*_seg.nii``, both perhaps
gzipped; other sequences are not read. What becomes of them:

- Axial slices, whichever way the volume is stored. A slice is abnormal if the mask has
  a voxel in it, and normal if not.
- Slices with little brain are left out, of both classes alike, so that the amount of
  brain does not tell the classes apart: a slice counts if its brain, the voxels of
  FLAIR that are not 0, covers a quarter of the area that it has in the volume's fullest
  slice. How high in the head a slice lies still tells something of its class.
- Grey values run from the 0.5th to the 99.5th percentile of the volume's brain, clipped
  to that range; the background is black.
- As many normal slices as abnormal ones are drawn from each patient, and, where they
  have enough, as many from one patient as from another.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skimage.transform import resize
from tqdm import tqdm

from benchmarks.common.errors import UserError, check_modules, one_line
from benchmarks.datasets._base import Dataset, Recipe
from benchmarks.datasets._images import SIZE, check_folder

VERSION = 1
PER_CLASS = 1462  # as many as the paper used
MIN_BRAIN = 0.25  # of the area in the fullest slice
GREY_RANGE = (0.5, 99.5)  # percentiles
CLASSES = ("normal", "abnormal")
SUFFIXES = (".nii", ".nii.gz")
YEAR = re.compile(r"brats(?:20)?(\d\d)_", re.IGNORECASE)


@dataclass(frozen=True)
class Patient:
    """A patient's folder, as it is named below that of the set, and two volumes."""

    name: str
    flair: Path
    mask: Path


def load_brats(path: Path, per_class: int = PER_CLASS) -> Recipe:
    """Load the slices, grey, 96x96, as many of one class as of the other.

    Parameters
    ----------
    path : Path
        Holds the patients' folders, at any depth.
    per_class : int
        Slices of each class, or fewer where patients have not enough of both; drawn at
        random, for the same files always the same ones.

    Returns
    -------
    Recipe
        Of a set grouped by patient. Its name has the challenge's year, as in
        ``brats18``, if the names of the patients' folders do.

    Raises
    ------
    UserError
        If a patient's volume or mask is missing; when it is read, if one cannot be, or
        if they do not fit each other.
    """
    check_modules(("nibabel",))
    check_folder(path, "brats")
    patients = find_patients(path)
    files = tuple(file for one in patients for file in (one.flair, one.mask))
    return Recipe(
        "brats",
        VERSION,
        path,
        files,
        read=lambda: _read(path, patients, per_class),
        options={"per_class": per_class},
    )


def find_patients(path: Path) -> list[Patient]:
    """Find the folders with NIfTI files, in the order of their names.

    Raises
    ------
    UserError
        If there is none, or one of them has not exactly one volume and one mask.
    """
    folders = sorted({file.parent for file in path.rglob("*") if _is_volume(file)})
    if not folders:
        raise UserError(
            f"{path}: no .nii or .nii.gz file in it or below; give the folder that "
            "holds the patients' folders"
        )
    return [
        Patient(
            name=folder.relative_to(path).as_posix(),
            flair=_only_file(folder, "flair"),
            mask=_only_file(folder, "seg"),
        )
        for folder in folders
    ]


def _is_volume(file: Path) -> bool:
    return (
        file.name.endswith(SUFFIXES)
        and not file.name.startswith(".")
        and file.is_file()
    )


def _only_file(folder: Path, kind: str) -> Path:
    endings = tuple(f"_{kind}{suffix}" for suffix in SUFFIXES)
    found = [
        file
        for file in folder.iterdir()
        if _is_volume(file) and file.name.endswith(endings)
    ]
    if len(found) != 1:
        raise UserError(
            f"{folder}: {len(found) or 'no'} files *_{kind}.nii or .nii.gz; each "
            "patient needs exactly one, in a folder of its own"
        )
    return found[0]


def _read(path: Path, patients: list[Patient], per_class: int) -> Dataset:
    title = path.resolve().name
    rng = np.random.default_rng(0)
    shares = _share_out(per_class, len(patients), rng)
    bar = tqdm(patients, f"reading {title}", leave=False, disable=None)
    images, y, group = [], [], []
    for patient, share in zip(bar, shares, strict=True):
        if share == 0:
            continue
        flair, mask = read_volumes(patient)
        low, high = grey_range(patient, flair)
        for code, slices in enumerate(draw_slices(flair, mask, share, rng)):
            images += [_to_image(flair[..., z], low, high) for z in slices]
            y += [code] * len(slices)
            group += [patient.name] * len(slices)
    if not images:
        raise UserError(
            f"{path}: no patient has slices both with tumour and without among those "
            "with enough brain; give more patients"
        )
    return Dataset(
        name=_challenge(patients),
        X=np.stack(images),
        y=np.asarray(y, dtype=np.intp),
        class_names=CLASSES,
        source=f"BraTS, FLAIR, {len(images) // 2} slices a class drawn from folder "
        f"{title}, resized to {SIZE}x{SIZE}",
        licence="terms of the BraTS challenge",
        group=np.asarray(group),
    )


def _share_out(total: int, n_shares: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a number into shares that differ by at most one, the larger at random."""
    shares = np.full(n_shares, total // n_shares)
    shares[rng.permutation(n_shares)[: total % n_shares]] += 1
    return shares


def _challenge(patients: list[Patient]) -> str:
    """Name the set by the year if all patients are of the same challenge."""
    found = [YEAR.match(patient.flair.parent.name) for patient in patients]
    years = {match[1] if match else "" for match in found}
    return f"brats{years.pop()}" if len(years) == 1 else "brats"


def read_volumes(patient: Patient) -> tuple[np.ndarray, np.ndarray]:
    """Read a patient's FLAIR volume and mask, turned the same way.

    Returns
    -------
    flair : ndarray of shape (width, depth, height), dtype float32
        Axes run to the patient's right, front and top.
    mask : ndarray of bool, same shape
        Where the tumour is.

    Raises
    ------
    UserError
        If a file is unreadable, or the two differ in shape or in the directions of
        their axes.
    """
    flair_axes, flair = _read_volume(patient.flair)
    mask_axes, mask = _read_volume(patient.mask)
    if flair_axes != mask_axes:
        raise UserError(
            f"{patient.mask}: axes run to {mask_axes}, those of {patient.flair.name} "
            f"to {flair_axes}; give a mask made on this volume"
        )
    if flair.shape != mask.shape:
        raise UserError(
            f"{patient.mask}: mask of shape {mask.shape} for a volume of shape "
            f"{flair.shape}; give a mask made on this volume"
        )
    return flair, mask != 0


def _read_volume(file: Path) -> tuple[str, np.ndarray]:
    """Read a volume with its axes to the right, front and top, and how they were."""
    import nibabel

    try:
        image = nibabel.load(file)
        axes = "".join(nibabel.aff2axcodes(image.affine))
        values = nibabel.as_closest_canonical(image).get_fdata(dtype=np.float32)
    except Exception as error:
        # Damaged files raise many kinds, from nibabel, gzip and zlib.
        raise UserError(
            f"{file}: unreadable volume ({one_line(error)}); mend it or remove the "
            "patient's folder"
        ) from error
    if values.ndim != 3 or values.size == 0:
        raise UserError(
            f"{file}: an array of shape {values.shape}; give one volume, of three axes"
        )
    if not np.isfinite(values).all():
        raise UserError(f"{file}: holds NaN or infinity; give numbers")
    return axes, values


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
