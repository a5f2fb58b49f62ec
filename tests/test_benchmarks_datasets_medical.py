"""The paper's three sets, in the layouts that they are published in."""

import gzip

import numpy as np
import pytest

pytest.importorskip("PIL")
pytest.importorskip("nibabel")
pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")

import nibabel
from PIL import Image

from benchmarks.common.errors import UserError
from benchmarks.datasets import brats, load
from benchmarks.datasets.splits import draw_split, split_kind
from benchmarks.medical.paper import find_row


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Keep out of the user's cache."""
    monkeypatch.setenv("SKLEARN_SCD_CACHE", str(tmp_path_factory.mktemp("cache")))


# BraTS: ten slices of 24x20. Slices 2 to 8 show all of the brain, 1 and 9 a sixth, 0
# none; 4 to 6 have tumour, and so has 9, where there is too little brain.
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
NORMAL, ABNORMAL = [2, 3, 7, 8], [4, 5, 6]


def make_volumes(level=100):
    """FLAIR and mask with axes to the right, front and top, a shade for each slice."""
    flair = np.zeros((24, 20, 10), np.int16)
    flair[2:20, 4:16, 2:9] = level + 10 * np.arange(2, 9)
    flair[2:5, 4:16, [1, 9]] = level  # the darkest
    mask = np.zeros(flair.shape, np.uint8)
    mask[5:8, 6:9, 4:7] = [1, 2, 4]
    mask[3, 5, 9] = 1
    return flair, mask


def save_volume(file, values, affine=LPS):
    """Save a volume whose axes run right, front, top, stored as its affine says."""
    image = nibabel.Nifti1Image(values, np.eye(4))
    to_axes = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(np.eye(4)), nibabel.io_orientation(affine)
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image.as_reoriented(to_axes), file)


def save_patient(folder, flair=None, mask=None, affine=LPS, suffix=".nii.gz"):
    made = make_volumes()
    for kind, given, default in zip(("flair", "seg"), (flair, mask), made, strict=True):
        values = default if given is None else given
        save_volume(folder / f"{folder.name}_{kind}{suffix}", values, affine)


@pytest.fixture
def brats_folder(tmp_path):
    """Six patients in two grades, of different brightness and both suffixes."""
    for number in range(6):
        grade = ("HGG", "LGG")[number % 2]
        save_patient(
            tmp_path / "set" / grade / f"Brats18_X_{number}_1",
            flair=make_volumes(level=100 * (number + 1))[0],
            suffix=(".nii", ".nii.gz")[number % 2],
        )
        other = tmp_path / "set" / grade / f"Brats18_X_{number}_1" / "a_t1.nii"
        other.write_bytes(b"a sequence that is not read")
    return tmp_path / "set"


def test_brats_contract(brats_folder):
    dataset = load(f"brats:{brats_folder}")
    assert dataset.image_shape == (96, 96)
    assert dataset.X.dtype == np.uint8
    assert dataset.class_counts() == {"normal": 18, "abnormal": 18}
    assert set(dataset.group) == {
        f"{('HGG', 'LGG')[number % 2]}/Brats18_X_{number}_1" for number in range(6)
    }
    assert find_row(dataset) == "brats18"
    split = draw_split(dataset, split_kind(dataset), 0)
    assert split.kind == "group"
    assert not set(dataset.group[split.train]) & set(dataset.group[split.test])


def test_brats_slices_are_the_right_ones(brats_folder):
    """Each slice has its shade: those with too little brain are in neither class."""
    dataset = load(f"brats:{brats_folder}")
    for group in np.unique(dataset.group):
        images = dataset.X[dataset.group == group]
        y = dataset.y[dataset.group == group]
        # Shades run from 0, slices 1 and 9, to 8, slice 8.
        slices = np.rint(images.max(axis=(1, 2)) / 255 * 8).astype(int)
        assert slices[y == 1].tolist() == ABNORMAL
        assert len(set(slices[y == 0]) & set(NORMAL)) == 3


def test_brats_per_class_is_shared_out(brats_folder):
    """Eight slices a class of six patients: one or two of each class from each."""
    dataset = load(f"brats,per_class=8:{brats_folder}")
    assert dataset.class_counts() == {"normal": 8, "abnormal": 8}
    _, counts = np.unique(dataset.group, return_counts=True)
    assert sorted(counts) == [2, 2, 2, 2, 4, 4]
    for group in np.unique(dataset.group):
        assert dataset.y[dataset.group == group].mean() == 0.5
    again = load(f"brats,per_class=8:{brats_folder}", cache=False)
    np.testing.assert_array_equal(dataset.X, again.X)
    few = load(f"brats,per_class=2:{brats_folder}")
    assert few.class_counts() == {"normal": 2, "abnormal": 2}


def test_brats_looks_the_same_however_it_is_stored(tmp_path):
    """Axes in another order and direction give the same pictures, front at the top."""
    flair, mask = make_volumes()
    flair[2:20, 13:16, 2:9] *= 2  # the front is bright
    sagittal = np.array([[0, 0, 1.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    for name, affine in (("lps", LPS), ("other", sagittal)):
        save_patient(tmp_path / name / "p", flair, mask, affine)
    one, other = (load(f"brats:{tmp_path / name}") for name in ("lps", "other"))
    np.testing.assert_array_equal(one.X, other.X)
    assert (one.X[:, :48].max(axis=(1, 2)) > one.X[:, 48:].max(axis=(1, 2))).all()
    # Columns run to the patient's right: brain is at 2 to 19 of 24.
    assert one.X[0, 48, 8:80].min() > 0
    assert one.X[0, 48, 84:].max() == 0


def test_brats_greys_are_robust_to_outliers():
    """A few voxels far out move nothing; the background stays black."""
    rng = np.random.default_rng(0)
    flair = rng.normal(0, 50, (96, 96, 2)).astype(np.float32)
    flair[:30] = 0
    patient = brats.Patient("p", None, None)
    low, high = brats.grey_range(patient, flair)
    flair[40, 40, 0] = 1e6
    assert brats.grey_range(patient, flair) == pytest.approx((low, high), rel=0.02)
    image = brats._to_image(flair[..., 0], low, high)
    assert (image[:, :30] == 0).all()
    assert image.max() == 255
    assert 100 < np.median(image[:, 30:]) < 155


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["Brats18_2013_0_1", "Brats18_CBICA_AAB_1"], "brats18"),
        (["BraTS20_Training_001"], "brats20"),
        (["BraTS2021_00002"], "brats21"),
        (["Brats17_TCIA_1_1", "Brats18_2013_0_1"], "brats"),
        (["Brats18_2013_0_1", "case2"], "brats"),
        (["case1", "case2"], "brats"),
    ],
)
def test_brats_year_is_that_of_every_patient(tmp_path, names, name):
    for patient in names:
        save_patient(tmp_path / "set" / patient)
    assert load(f"brats:{tmp_path / 'set'}").name == name


def spoil_remove_mask(folder):
    next(folder.glob("*_seg*")).unlink()


def spoil_remove_flair(folder):
    next(folder.glob("*_flair*")).unlink()


def spoil_second_flair(folder):
    save_volume(folder / "again_flair.nii", make_volumes()[0])


def spoil_shape(folder):
    save_volume(next(folder.glob("*_seg*")), make_volumes()[1][:, :, :-1])


def spoil_axes(folder):
    save_volume(next(folder.glob("*_seg*")), make_volumes()[1], np.eye(4))


def spoil_dimensions(folder):
    save_volume(next(folder.glob("*_flair*")), make_volumes()[0][..., None])


def spoil_nan(folder):
    save_volume(
        next(folder.glob("*_flair*")), np.full((24, 20, 10), np.nan, np.float32)
    )


def spoil_contrast(folder):
    save_volume(next(folder.glob("*_flair*")), np.zeros((24, 20, 10), np.int16))


def spoil_content(folder):
    next(folder.glob("*_flair*")).write_bytes(gzip.compress(b"no volume"))


def spoil_end(folder):
    file = next(folder.glob("*_seg*"))
    file.write_bytes(file.read_bytes()[:-40])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_remove_mask, "no files *_seg.nii or .nii.gz"),
        (spoil_remove_flair, "no files *_flair.nii or .nii.gz"),
        (spoil_second_flair, "2 files *_flair.nii"),
        (spoil_shape, "mask of shape (24, 20, 9) for a volume of shape (24, 20, 10)"),
        (spoil_axes, "axes run to RAS, those of p2_flair.nii.gz to LPS"),
        (spoil_dimensions, "an array of shape (24, 20, 10, 1)"),
        (spoil_nan, "holds NaN"),
        (spoil_contrast, "no contrast (values from 0 to 0)"),
        (spoil_content, "unreadable volume"),
        (spoil_end, "unreadable volume"),
    ],
)
def test_brats_says_what_is_wrong(tmp_path, spoil, words):
    for name in ("p1", "p2"):
        save_patient(tmp_path / name)
    spoil(tmp_path / "p2")
    with pytest.raises(UserError) as caught:
        load(f"brats:{tmp_path}")
    assert words in str(caught.value)
    assert "p2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_brats_without_slices_of_both_classes(tmp_path):
    save_patient(tmp_path / "p", mask=np.zeros((24, 20, 10), np.uint8))
    with pytest.raises(UserError, match="no patient has slices both with tumour"):
        load(f"brats:{tmp_path}")


CHEST = {
    "train/NORMAL/IM-0115-0001.jpeg": "IM-0115",
    "train/NORMAL/IM-0115-0001-0002.jpeg": "IM-0115",
    "train/NORMAL/NORMAL2-IM-0115-0001.jpeg": "NORMAL2-IM-0115",
    "test/NORMAL/NORMAL2-IM-0115-0001-0001.jpeg": "NORMAL2-IM-0115",
    "val/NORMAL/NORMAL-4512-0001.jpeg": "4512",
    "test/NORMAL/scan 7.jpeg": "scan 7.jpeg",
    "train/PNEUMONIA/person1_bacteria_1.jpeg": "person1",
    "test/PNEUMONIA/person1_virus_6.jpeg": "person1",
    "train/PNEUMONIA/person10_virus_35.jpeg": "person10",
    "train/PNEUMONIA/BACTERIA-1008087-0001.jpeg": "1008087",
    "val/PNEUMONIA/BACTERIA-1008087-0002.jpeg": "1008087",
    "val/PNEUMONIA/VIRUS-9307-0001.jpeg": "9307",
}


def save_image(file, pixels):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


@pytest.fixture
def chest_folder(tmp_path):
    """The names above, each image in a shade of its own, one stored in colour."""
    for shade, name in enumerate(CHEST):
        pixels = np.full((30, 40), 20 * shade, np.uint8)
        if shade == 3:
            pixels = np.repeat(pixels[..., None], 3, axis=2) + np.array([9, 0, 0])
        save_image(tmp_path / "chest" / name, pixels.astype(np.uint8))
    for hidden in (".DS_Store", "._IM-0115-0001.jpeg"):
        (tmp_path / "chest" / "train" / "NORMAL" / hidden).write_bytes(b"no image")
    return tmp_path / "chest"


def test_chest_xray_contract(chest_folder):
    dataset = load(f"chest-xray:{chest_folder}")
    assert dataset.X.shape == (12, 96, 96)
    assert dataset.X.dtype == np.uint8
    assert dataset.class_counts() == {"NORMAL": 6, "PNEUMONIA": 6}
    assert dataset.is_test is None
    assert find_row(dataset) == "chest-xray"
    # Each image carries the group of its name and the class of its folder.
    shades = np.rint(dataset.X[:, 50, 50] / 20).astype(int)
    names = [list(CHEST)[shade] for shade in shades]
    assert sorted(names) == sorted(CHEST)
    assert dataset.group.tolist() == [CHEST[name] for name in names]
    assert dataset.y.tolist() == ["PNEUMONIA" in name for name in names]


def test_chest_xray_is_balanced(chest_folder):
    """A class cut down to the other: some of its files, always the same."""
    for name in list(CHEST)[1:4]:
        (chest_folder / name).unlink()
    dataset = load(f"chest-xray:{chest_folder}")
    assert dataset.class_counts() == {"NORMAL": 3, "PNEUMONIA": 3}
    assert len(np.unique(dataset.X[:, 50, 50])) == 6
    again = load(f"chest-xray:{chest_folder}", cache=False)
    np.testing.assert_array_equal(dataset.X, again.X)
    two = load(f"chest-xray,per_class=2:{chest_folder}")
    assert two.class_counts() == {"NORMAL": 2, "PNEUMONIA": 2}


def test_chest_xray_without_patients_in_the_names(tmp_path):
    for name in ("train/NORMAL/a.png", "train/PNEUMONIA/a.png"):
        save_image(tmp_path / name, np.zeros((9, 9), np.uint8))
    dataset = load(f"chest-xray:{tmp_path}")
    assert dataset.group is None
    assert split_kind(dataset) == "random"


def test_chest_xray_says_what_is_missing(tmp_path):
    with pytest.raises(UserError, match="no folder train, val or test"):
        load(f"chest-xray:{tmp_path}")
    with pytest.raises(UserError, match="no such folder; check the path after"):
        load(f"chest-xray:{tmp_path / 'nowhere'}")
    save_image(tmp_path / "test" / "NORMAL" / "a.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(UserError, match="PNEUMONIA: no such folder"):
        load(f"chest-xray:{tmp_path}")
    (tmp_path / "test" / "PNEUMONIA").mkdir()
    with pytest.raises(UserError, match="class 'PNEUMONIA' has no image"):
        load(f"chest-xray:{tmp_path}")


@pytest.fixture
def histology_folder(tmp_path):
    tiles = tmp_path / "tiles"
    names = (
        "1A11_CRC-Prim-HE-07_022.tif_Row_601_Col_151.tif",
        "10062_CRC-Prim-HE-07.tif_Row_1_Col_301.tif",
        "12A0_CRC-Prim-HE-10c.tif_Row_1_Col_1.tif",
    )
    for shade, tissue in enumerate(("01_TUMOR", "04_LYMPHO", "06_MUCOSA", "08_EMPTY")):
        for name in names:
            # Grey tiles, as of an empty slide, are RGB all the same.
            save_image(
                tiles / tissue / name, np.full((150, 150, 3), 60 * shade, np.uint8)
            )
    return tiles


def test_histology_contract(histology_folder):
    dataset = load(f"histology:{histology_folder}")
    assert dataset.X.shape == (6, 96, 96, 3)
    assert dataset.X.dtype == np.uint8
    assert dataset.class_names == ("04_LYMPHO", "06_MUCOSA")
    assert dataset.X[:, 0, 0, 0].tolist() == [60] * 3 + [120] * 3
    assert dataset.y.tolist() == [0] * 3 + [1] * 3
    slides = ["CRC-Prim-HE-07", "CRC-Prim-HE-10", "CRC-Prim-HE-07"]
    assert sorted(dataset.group) == sorted(2 * slides)
    assert find_row(dataset) == "histopathology"


def test_histology_of_other_tissues(histology_folder):
    dataset = load(f"histology,classes=08_EMPTY+01_TUMOR:{histology_folder}")
    assert dataset.class_names == ("08_EMPTY", "01_TUMOR")
    assert dataset.X[:, 0, 0, 0].tolist() == [180] * 3 + [0] * 3
    assert dataset.name == "histology-08_EMPTY-01_TUMOR"
    assert find_row(dataset) is None
    with pytest.raises(UserError, match=r"no folder '09_X' \(it has 01_TUMOR, 04_LYM"):
        load(f"histology,classes=01_TUMOR+09_X:{histology_folder}")
