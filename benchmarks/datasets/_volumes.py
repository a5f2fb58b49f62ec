"""NIfTI volumes, and whether two of them cover the same places."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.common.errors import UserError, one_line


@dataclass(frozen=True)
class Volume:
    """A volume with its axes to the patient's right, front and top.

    Parameters
    ----------
    file : Path
    values : ndarray of shape (width, depth, height), dtype float32
        Scaled as the file's header says.
    affine : ndarray of shape (4, 4)
        From positions in `values` to places in space, in mm.
    axes : str
        Where the axes ran in the file, such as "LPS".
    """

    file: Path
    values: np.ndarray
    affine: np.ndarray
    axes: str


def read_volume(file: Path) -> Volume:
    """Read a volume and turn it.

    Raises
    ------
    UserError
        If the file is unreadable, does not say where its axes run, or holds several
        volumes.
    """
    import nibabel

    try:
        image = nibabel.load(file)
        axes = nibabel.aff2axcodes(image.affine)
        if None in axes:
            raise ValueError("its header does not say where its axes run")
        turned = nibabel.as_closest_canonical(image)
        values = turned.get_fdata(dtype=np.float32)
    except Exception as error:
        # Damaged files raise many kinds, from nibabel, gzip and zlib.
        is_empty = file.is_file() and file.stat().st_size == 0
        reason = "an empty file" if is_empty else one_line(error)
        raise UserError(
            f"{file}: unreadable volume ({reason}); mend it or remove the patient's "
            "folder, or leave out such patients with --skip-unreadable"
        ) from error
    shape = values.shape
    while values.ndim > 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 3 or values.size == 0:
        raise UserError(
            f"{file}: an array of shape {shape}; give one volume, of three axes"
        )
    return Volume(file, values, turned.affine, "".join(axes))


def check_same_grid(volume: Volume, mask: Volume) -> bool:
    """Raise a `UserError` if a mask's voxels are not those of the volume.

    Both are turned the same way before they are compared, so that it does not matter in
    which order a file holds its axes.

    Returns
    -------
    bool
        Whether they lie at the same places. If not, the mask's axes run as the volume's
        and its voxels have the same size, but its origin is another: some programs do
        not keep it, and a mask made voxel by voxel fits all the same.
    """
    name, shape = volume.file.name, volume.values.shape
    if shape != mask.values.shape:
        raise UserError(
            f"{mask.file}: mask of shape {mask.values.shape} for a volume of shape "
            f"{shape}; give a mask made on this volume"
        )
    voxel = np.linalg.norm(volume.affine[:3, :3], axis=0).min()
    if _gap(volume.affine, mask.affine, shape) <= voxel / 2:
        return True
    if volume.axes != mask.axes:
        raise UserError(
            f"{mask.file}: axes run to {mask.axes}, those of {name} to {volume.axes}, "
            "and the two cover other places; give a mask made on this volume"
        )
    moved = mask.affine.copy()
    moved[:3, 3] = volume.affine[:3, 3]
    if _gap(volume.affine, moved, shape) > voxel / 2:
        raise UserError(
            f"{mask.file}: voxels of another size or direction than those of {name}; "
            "give a mask made on this volume"
        )
    return False


def _gap(one: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return how far apart the same corner lies at most, in mm."""
    corners = np.array(list(product(*((0, size - 1) for size in shape), (1,))))
    return float(np.linalg.norm(corners @ (one - other).T, axis=1).max())
