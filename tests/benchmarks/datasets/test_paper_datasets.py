"""The paper's three sets, in the layouts that they are published in."""

import gzip
import shutil

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


def save_patient(
    folder, flair=None, mask=None, affine=LPS, names=("_flair.nii.gz", "_seg.nii.gz")
):
    made = make_volumes()
    for name, given, default in zip(names, (flair, mask), made, strict=True):
        values = default if given is None else given
        save_volume(folder / f"{folder.name}{name}", values, affine)


@pytest.fixture
def brats_folder(tmp_path):
    """Six patients in two grades, of different brightness and both suffixes."""
    suffixes = (".nii", ".nii.gz")
    for number in range(6):
        grade = ("HGG", "LGG")[number % 2]
        save_patient(
            tmp_path / "set" / grade / f"Brats18_X_{number}_1",
            flair=make_volumes(level=100 * (number + 1))[0],
            names=[f"_{kind}{suffixes[number % 2]}" for kind in ("flair", "seg")],
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


FAR = np.eye(4, k=3) * 99


def save_header(file, affine):
    """Leave the voxels as they lie in a file and give them other places."""
    values = np.asarray(nibabel.load(file).dataobj)
    nibabel.save(nibabel.Nifti1Image(values, affine), file)


def spoil_remove_flair(folder):
    next(folder.glob("*_flair*")).unlink()


def spoil_second_flair(folder):
    save_volume(folder / "again_flair.nii", make_volumes()[0])


def spoil_shape(folder):
    save_volume(next(folder.glob("*_seg*")), make_volumes()[1][:, :, :-1])


def spoil_axes(folder):
    """A header that was lost: the volume lies elsewhere."""
    save_header(next(folder.glob("*_seg*")), np.diag([1.0, 1, 1, 1]) + FAR)


def spoil_voxels(folder):
    save_header(next(folder.glob("*_seg*")), np.diag([-2.0, -2, 2, 1]))


def spoil_dimensions(folder):
    volumes = np.stack([make_volumes()[0]] * 2, axis=-1)
    save_volume(next(folder.glob("*_flair*")), volumes)


def spoil_infinity(folder):
    flair = make_volumes()[0].astype(np.float32)
    flair[3, 4, 5] = np.inf
    save_volume(next(folder.glob("*_flair*")), flair)


def spoil_with_shares(folder):
    save_volume(next(folder.glob("*_seg*")), make_volumes()[1].astype("f4") / 255)


def spoil_with_minus_one(folder):
    save_volume(next(folder.glob("*_seg*")), make_volumes()[1].astype("i2") - 1)


def spoil_by_emptying(folder):
    next(folder.glob("*_seg*")).write_bytes(b"")


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
        (spoil_remove_flair, "no files *_flair.nii or .nii.gz"),
        (spoil_second_flair, "2 files *_flair.nii"),
        (spoil_shape, "mask of shape (24, 20, 9) for a volume of shape (24, 20, 10)"),
        (spoil_axes, "axes run to RAS, those of p2_flair.nii.gz to LPS"),
        (spoil_voxels, "voxels of another size or direction than those of p2_flair"),
        (spoil_dimensions, "an array of shape (24, 20, 10, 2)"),
        (spoil_nan, "holds NaN alone"),
        (spoil_infinity, "holds infinity"),
        (spoil_with_shares, "a mask with values from 0 to 0.0156863"),
        (spoil_with_minus_one, "a mask with values from -1 to 3"),
        (spoil_by_emptying, "unreadable volume (an empty file)"),
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
    dataset = load(f"brats:{tmp_path}", skip_unreadable=True)
    assert set(dataset.group) == {"p1"}
    assert sum(dataset.left_out.values()) == 1


@pytest.mark.parametrize(
    "names",
    [
        ("_flair.nii", "_seg.nii"),
        ("-t2f.nii.gz", "-seg.nii.gz"),
        ("_FLAIR.nii.gz", "_Seg.nii"),
        ("_Flair.NII.GZ", "_seg.NII"),
        ("_flair.nii/other.nii", "_seg.nii/00000057_final_seg.nii"),
        ("_flair.nii.gz/x.nii", "_seg.nii.gz/y_t1.nii"),
    ],
)
def test_brats_names_of_every_year(tmp_path, names):
    """Other sequences are not read, whatever their folders are called."""
    for patient in ("HGG/p1", "LGG/p2"):
        save_patient(tmp_path / patient, names=names)
        for other in ("_t1ce.nii", "-t1n.nii.gz", "_t2.nii/x.nii"):
            file = tmp_path / patient / f"p{other}"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"a sequence that is not read")
    dataset = load(f"brats:{tmp_path}")
    assert set(dataset.group) == {"HGG/p1", "LGG/p2"}
    assert dataset.class_counts() == {"normal": 6, "abnormal": 6}
    assert dataset.left_out == {}


def test_brats_visits_of_one_patient_are_a_group(tmp_path):
    names = ("-t2f.nii.gz", "-seg.nii.gz")
    for visit in ("GLI-00005-100", "GLI-00005-101", "GLI-00006-100", "MET-00005-000"):
        save_patient(tmp_path / f"BraTS-{visit}", names=names)
    dataset = load(f"brats:{tmp_path}")
    patients = ["BraTS-GLI-00005", "BraTS-GLI-00006", "BraTS-MET-00005"]
    groups, counts = np.unique(dataset.group, return_counts=True)
    assert groups.tolist() == patients
    assert counts.tolist() == [12, 6, 6]


def test_brats_patients_without_a_mask_are_counted(tmp_path, capsys):
    """Validation beside training, and what is no patient's."""
    save_patient(tmp_path / "Training" / "p1")
    for number in (2, 3):
        save_volume(
            tmp_path / "Validation" / f"p{number}" / f"p{number}_flair.nii",
            make_volumes()[0],
        )
    save_volume(tmp_path / "atlas" / "mean.nii", make_volumes()[0])
    for file in ("atlas/x.mha", "Training/p1/.hidden.nii", "Training/names.csv"):
        (tmp_path / file).write_bytes(b"no volume")
    dataset = load(f"brats:{tmp_path}")
    assert set(dataset.group) == {"Training/p1"}
    assert dataset.left_out == {
        "patients without a mask": 2,
        "folders with neither a FLAIR volume nor a mask": 1,
        ".mha files": 1,
        "hidden files": 1,
    }
    assert "patients without a mask (2)" in capsys.readouterr().err
    with pytest.raises(UserError, match=r"patients without a mask \(2\)"):
        load(f"brats:{tmp_path / 'Validation'}")


def test_brats_misnamed_mask(tmp_path):
    """The message names the candidate; an option takes it, but only for a mask."""
    save_patient(tmp_path / "BraTS20_Training_001")
    folder = tmp_path / "BraTS20_Training_355"
    save_patient(folder, names=("_flair.nii", "_seg.nii"))
    save_volume(folder / f"{folder.name}_t1ce.nii", make_volumes()[0])
    (folder / f"{folder.name}_seg.nii").rename(folder / "W39_1998.09.19_Segm.nii")
    with pytest.raises(UserError) as caught:
        load(f"brats:{tmp_path}")
    assert "355: no files *_seg.nii or .nii.gz, but W39_1998" in str(caught.value)
    assert "rename it to BraTS20_Training_355_seg.nii" in str(caught.value)
    assert "brats,misnamed=take:DIR" in str(caught.value)
    dataset = load(f"brats,misnamed=take:{tmp_path}")
    assert len(set(dataset.group)) == 2
    save_volume(folder / "other.nii", make_volumes()[0])
    with pytest.raises(UserError, match=r"W39\S+ or other\.nii may be the mask"):
        load(f"brats,misnamed=take:{tmp_path}")


def test_brats_mask_in_another_order_of_axes(tmp_path):
    """The same places in space, however the file holds them: the same slices."""
    save_patient(tmp_path / "set" / "p")
    same = load(f"brats:{tmp_path / 'set'}")
    mask = make_volumes()[1]
    sagittal = np.array([[0, 0, 1.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    for affine in (np.eye(4), sagittal):
        # `save_volume` keeps the places: the volume's own affine has another origin.
        file = tmp_path / "set" / "p" / "p_seg.nii.gz"
        save_volume(file, mask, affine)
        assert nibabel.aff2axcodes(nibabel.load(file).affine) != ("L", "P", "S")
        dataset = load(f"brats:{tmp_path / 'set'}")
        np.testing.assert_array_equal(dataset.X, same.X)
        np.testing.assert_array_equal(dataset.y, same.y)
        assert dataset.remarks == ()


def test_brats_mask_whose_origin_was_lost(tmp_path):
    """Voxel by voxel, as the axes are those of the volume; and it says so."""
    save_patient(tmp_path / "p")
    file = tmp_path / "p" / "p_seg.nii.gz"
    save_header(file, nibabel.load(file).affine + FAR)
    dataset = load(f"brats:{tmp_path}")
    assert "another origin in space" in dataset.remarks[0]
    assert dataset.class_counts() == {"normal": 3, "abnormal": 3}


def test_brats_axes_of_length_one(tmp_path):
    flair, mask = make_volumes()
    save_patient(tmp_path / "plain" / "p")
    save_patient(tmp_path / "more" / "p", flair[..., None], mask[..., None, None])
    plain, more = (load(f"brats:{tmp_path / name}") for name in ("plain", "more"))
    np.testing.assert_array_equal(plain.X, more.X)


def test_brats_values_as_other_programs_write_them(tmp_path):
    """NaN or a shifted value for background, and scaled headers: the same pictures."""
    flair, mask = make_volumes()
    floats = flair.astype(np.float32)
    labels = np.where(mask == 0, np.nan, mask).astype(np.float32)
    made = {
        "plain": (flair, mask),
        "nan": (np.where(flair == 0, np.nan, floats), labels),
        "shifted": (floats / 80 - 2.5, mask.astype(np.float32) + 1e-6),
        "negative": (floats - 1000, mask.astype(np.int16)),
    }
    for name, (values, labels) in made.items():
        save_patient(tmp_path / name / "p", values, labels)
    image = nibabel.Nifti1Image(np.rot90(flair, 2), LPS)
    image.header.set_slope_inter(2, -1024)
    save_patient(tmp_path / "header" / "p", None, np.rot90(mask, 2), np.eye(4))
    nibabel.save(image, tmp_path / "header" / "p" / "p_flair.nii.gz")
    nibabel.save(
        nibabel.Nifti1Image(np.rot90(mask, 2), LPS),
        tmp_path / "header" / "p" / "p_seg.nii.gz",
    )
    plain = load(f"brats:{tmp_path / 'plain'}")
    for name in ("nan", "shifted", "negative", "header"):
        dataset = load(f"brats:{tmp_path / name}")
        np.testing.assert_allclose(dataset.X.astype(int), plain.X, atol=1, err_msg=name)
        np.testing.assert_array_equal(dataset.y, plain.y)


def test_brats_patients_of_other_shapes_and_in_one_folder(tmp_path):
    flair, mask = make_volumes()
    save_patient(tmp_path / "a" / "p1")
    save_patient(tmp_path / "a" / "p2", flair[:22, :, :-1], mask[:22, :, :-1])
    assert set(load(f"brats:{tmp_path / 'a'}").group) == {"p1", "p2"}
    for number in (1, 2):
        for file in (tmp_path / "a" / f"p{number}").iterdir():
            file.rename(tmp_path / "a" / file.name)
    assert set(load(f"brats:{tmp_path / 'a'}").group) == {"p1", "p2"}


def test_brats_unzipped_beside_the_archive(tmp_path):
    save_patient(tmp_path / "p")
    packed = next((tmp_path / "p").glob("*_flair*"))
    packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    dataset = load(f"brats:{tmp_path}")
    assert sum(dataset.left_out.values()) == 1
    assert "gzipped and not" in next(iter(dataset.left_out))


def test_brats_patients_that_give_nothing_are_counted(tmp_path):
    save_patient(tmp_path / "p1")
    save_patient(tmp_path / "p2", mask=np.zeros((24, 20, 10), np.uint8))
    save_patient(tmp_path / "p3", mask=np.ones((24, 20, 10), np.uint8))
    dataset = load(f"brats:{tmp_path}")
    assert set(dataset.group) == {"p1"}
    assert dataset.left_out == {
        "patients without slices with tumor": 1,
        "patients without slices of both classes with enough brain": 1,
    }


def test_brats_without_slices_of_both_classes(tmp_path):
    save_patient(tmp_path / "p", mask=np.zeros((24, 20, 10), np.uint8))
    with pytest.raises(UserError, match="no patient has slices both with tumor"):
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


@pytest.mark.parametrize(
    "place",
    [
        "chest_xray",
        "chest_xray/chest_xray",
        "CellData/chest_xray",
        "archive/ChestXRay2017/chest_xray",
    ],
)
def test_chest_xray_in_every_nesting(tmp_path, chest_folder, place):
    """Found below what was unpacked, without a Mac's copies and other sets beside."""
    root = tmp_path / "unpacked"
    (root / place).parent.mkdir(parents=True)
    plain = load(f"chest-xray:{chest_folder}")
    chest_folder.rename(root / place)
    for beside in ("__MACOSX/chest_xray/train/NORMAL/._x.jpeg", "OCT/train/NORMAL/.x"):
        (root / beside).parent.mkdir(parents=True)
        (root / beside).write_bytes(b"no image")
    dataset = load(f"chest-xray:{root}")
    np.testing.assert_array_equal(dataset.X, plain.X)
    assert dataset.group.tolist() == plain.group.tolist()
    assert dataset.remarks == (f"read from {root / place}",)
    assert dataset.left_out["hidden files"] == 2


def test_chest_xray_that_holds_itself_once_more(chest_folder):
    """Kaggle's archive: the copy is counted, not read."""
    plain = load(f"chest-xray:{chest_folder}")
    shutil.copytree(chest_folder, chest_folder.parent / "copy")
    (chest_folder.parent / "copy").rename(chest_folder / "chest_xray")
    dataset = load(f"chest-xray:{chest_folder}")
    np.testing.assert_array_equal(dataset.X, plain.X)
    assert dataset.left_out["files in chest_xray, beside what is read"] == 12


def test_chest_xray_of_one_side_and_in_small_letters(chest_folder):
    """The classes' own folder will do; two sets side by side will not."""
    train = chest_folder / "train"
    assert load(f"chest-xray:{train}").class_counts() == {"NORMAL": 3, "PNEUMONIA": 3}
    for name in ("NORMAL", "PNEUMONIA"):
        (train / name).rename(train / name.lower())
    assert load(f"chest-xray:{train}").class_counts() == {"NORMAL": 3, "PNEUMONIA": 3}
    shutil.copytree(chest_folder, chest_folder.parent / "again")
    with pytest.raises(UserError, match="several sets lie in it"):
        load(f"chest-xray:{chest_folder.parent}")


def test_chest_xray_stays_balanced_without_the_unreadable(chest_folder):
    torn = chest_folder / "train" / "NORMAL" / "IM-0115-0001.jpeg"
    torn.write_bytes(torn.read_bytes()[:100])
    with pytest.raises(UserError, match=r"IM-0115-0001\.jpeg: unreadable image"):
        load(f"chest-xray:{chest_folder}")
    dataset = load(f"chest-xray:{chest_folder}", skip_unreadable=True)
    assert dataset.class_counts() == {"NORMAL": 5, "PNEUMONIA": 5}
    assert len(dataset.group) == 10
    assert dataset.left_out["unreadable images"] == 1
    assert dataset.left_out["images more than the other class has"] == 1


def test_chest_xray_tells_how_many_were_not_drawn(chest_folder):
    dataset = load(f"chest-xray,per_class=2:{chest_folder}")
    assert dataset.left_out["images not drawn, for 2 of each class"] == 8


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


@pytest.mark.parametrize("above", ["tiles", "Kather_texture_2016_image_tiles_5000/x"])
def test_histology_below_its_archives_name(tmp_path, histology_folder, above):
    plain = load(f"histology:{histology_folder}")
    place = tmp_path / "unpacked" / above
    place.parent.mkdir(parents=True)
    histology_folder.rename(place)
    dataset = load(f"histology:{tmp_path / 'unpacked'}")
    np.testing.assert_array_equal(dataset.X, plain.X)
    assert dataset.remarks == (f"read from {place}",)
    assert dataset.left_out == {"folders of other classes, 01_TUMOR, 08_EMPTY": 2}


def test_histology_without_the_unreadable(histology_folder):
    torn = next((histology_folder / "04_LYMPHO").iterdir())
    torn.write_bytes(b"")
    with pytest.raises(UserError, match="an empty file"):
        load(f"histology:{histology_folder}")
    dataset = load(f"histology:{histology_folder}", skip_unreadable=True)
    assert dataset.class_counts() == {"04_LYMPHO": 2, "06_MUCOSA": 3}
    assert len(dataset.group) == 5
