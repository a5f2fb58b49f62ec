"""Every kind of picture gives the pixels that it shows, or one line that says why."""

import numpy as np
import pytest

pytest.importorskip("platformdirs")
pytest.importorskip("skimage")
pytest.importorskip("tqdm")
pytest.importorskip("PIL")

from PIL import Image

from benchmarks.common.errors import UserError
from benchmarks.datasets._images import read_image, read_images

GREY = np.full((9, 12), 100, np.uint8)
RED = np.full((9, 12, 3), (200, 10, 20), np.uint8)
EXIF_ORIENTATION, TIFF_PHOTOMETRIC, TIFF_SAMPLE_FORMAT = 274, 262, 339


def with_alpha(pixels, alpha):
    return np.dstack([pixels, np.full(pixels.shape[:2], alpha, np.uint8)])


def of_bits(pixels, bits):
    """The same greys with more bits, as near as they come."""
    return np.rint(pixels / 255 * (2**bits - 1)).astype(np.uint16)


def palette_with_transparency():
    image = Image.fromarray(RED).quantize(2)
    image.info["transparency"] = bytes([51])
    return image


@pytest.mark.parametrize(
    ("name", "image", "shown"),
    [
        ("x.png", Image.fromarray(GREY), 100),
        ("x.PNG", Image.fromarray(RED), (200, 10, 20)),
        ("equal.png", Image.merge("RGB", [Image.fromarray(GREY)] * 3), 100),
        ("x.bmp", Image.fromarray(RED), (200, 10, 20)),
        ("x.ppm", Image.fromarray(RED), (200, 10, 20)),
        ("x.jp2", Image.fromarray(RED), (200, 10, 20)),
        ("grey_palette.png", Image.fromarray(GREY).convert("P"), 100),
        ("palette.png", Image.fromarray(RED).quantize(2), (200, 10, 20)),
        ("palette.gif", Image.fromarray(RED).quantize(2), (200, 10, 20)),
        ("clear_palette.png", palette_with_transparency(), (40, 2, 4)),
        ("clear.png", Image.fromarray(with_alpha(RED, 0)), 0),
        ("half.png", Image.fromarray(with_alpha(RED, 51)), (40, 2, 4)),
        ("opaque.png", Image.fromarray(with_alpha(RED, 255)), (200, 10, 20)),
        ("half_grey.png", Image.fromarray(with_alpha(GREY, 51)), 20),
        ("white_1_bit.png", Image.fromarray(GREY > 50), 255),
        ("black_1_bit.tif", Image.fromarray(GREY > 150), 0),
        ("cmyk.tif", Image.fromarray(RED).convert("CMYK"), (200, 10, 20)),
        ("cmyk.jpg", Image.fromarray(RED).convert("CMYK"), (200, 10, 20)),
        ("ycbcr.JPG", Image.fromarray(RED), (200, 10, 20)),
        ("16.png", Image.fromarray(of_bits(GREY, 16)), 100),
        ("16.tif", Image.fromarray(of_bits(GREY, 16)), 100),
        ("16.pgm", Image.fromarray(of_bits(GREY, 16).astype(np.int32)), 100),
        ("32.tif", Image.fromarray(of_bits(GREY, 16).astype(np.int32)), 100),
        ("float.tif", Image.fromarray((GREY / 255).astype(np.float32)), 100),
        ("float_to_255.tif", Image.fromarray(GREY.astype(np.float32)), 100),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_modes_give_what_they_show(tmp_path, name, image, shown):
    options = {"quality": 100} if "jpg" in name.lower() else {}
    image.save(tmp_path / name, **options)
    pixels = read_image(tmp_path / name)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (96, 96) + ((3,) if isinstance(shown, tuple) else ())
    np.testing.assert_allclose(pixels, np.broadcast_to(shown, pixels.shape), atol=3)


@pytest.mark.parametrize(
    ("suffix", "bits"),
    [("jpg", 8), ("webp", 8), ("png", 8), ("png", 16), ("tif", 8), ("tif", 16)],
)
def test_turned_by_exif(tmp_path, suffix, bits):
    """The bright quarter lies where EXIF says, of plain TIFFs, too."""
    shown = np.zeros((20, 30), np.uint8)
    shown[:10, 15:] = 200
    # What a camera on its side stores: turned back, it shows the above.
    stored = {1: shown, 3: shown[::-1, ::-1], 6: np.rot90(shown), 8: np.rot90(shown, 3)}
    for orientation, pixels in stored.items():
        exif = Image.Exif()
        exif[EXIF_ORIENTATION] = orientation
        file = tmp_path / f"{orientation}.{suffix}"
        values = np.ascontiguousarray(pixels)
        Image.fromarray(of_bits(values, 16) if bits == 16 else values).save(
            file, exif=exif
        )
        found = read_image(file)
        quarters = found[[[20, 20], [76, 76]], [[20, 76], [20, 76]]]
        np.testing.assert_allclose(quarters, [[0, 200], [0, 0]], atol=3)


@pytest.mark.parametrize("suffix", ["tif", "gif", "png"])
def test_of_several_pages_the_first(tmp_path, suffix):
    file = tmp_path / f"pages.{suffix}"
    more = [Image.fromarray(GREY + 50)]
    Image.fromarray(GREY).save(file, save_all=True, append_images=more)
    pictures = read_images([file], "x")
    assert (pictures.X == 100).all()
    assert "first page or frame is used of files with several (1)" in str(pictures)


def test_the_second_picture_of_a_jpeg_is_no_page(tmp_path):
    file = tmp_path / "two.jpg"
    more = [Image.fromarray(GREY + 50)]
    Image.fromarray(GREY).save(file, format="MPO", save_all=True, append_images=more)
    pictures = read_images([file], "x")
    assert (pictures.X == 100).all()
    assert pictures.remarks == ()


def read_values(folder, *images):
    """Read images of a single value each, and say which grey became of them."""
    files = []
    for position, pixels in enumerate(images):
        files.append(folder / f"{position}.tif")
        Image.fromarray(pixels).save(files[-1])
    pictures = read_images(files, "x")
    return pictures.X[:, 50, 50].tolist(), pictures.remarks


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_16_bits_are_scaled_by_what_the_set_uses(tmp_path, bits):
    """The brightest file sets the scale of all, in full bits."""
    white = 2**bits - 1
    values = [white - 1, white // 2, 0]
    greys, remarks = read_values(tmp_path, *(np.full((9, 9), v, "u2") for v in values))
    assert greys == [pytest.approx(255 * v / white, abs=0.5) for v in values]
    assert f"{white:,} is white" in remarks[0]
    assert "(3 of 3 images)" in remarks[0]


def test_files_of_8_bits_keep_their_scale(tmp_path):
    deep = np.full((9, 9), 2000, np.uint16)
    greys, remarks = read_values(tmp_path, deep, GREY)
    assert greys == [round(255 * 2000 / 4095), 100]
    assert "(1 of 2 images)" in remarks[0]


@pytest.mark.parametrize(
    ("values", "greys"),
    [
        ([-1000.0, 0.0, 1000.0], [0, 128, 255]),  # Hounsfield units
        ([0.0, 0.01, 0.02], [0, 128, 255]),  # too dark to see, as it is
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.2, 0.2, 0.2], [51, 51, 51]),
        ([0.0, 1.0, 2.0], [0, 128, 255]),
        ([0.0, 100000.0, 200000.0], [0, 128, 255]),
        ([-7.0, -7.0, -7.0], [0, 0, 0]),
        ([0.0, 0.0, 0.0], [0, 0, 0]),
    ],
)
def test_other_numbers_are_scaled_to_be_seen(tmp_path, values, greys):
    is_whole = np.equal(values, np.rint(values)).all()
    for dtype in (np.float32, np.int32) if is_whole else (np.float32,):
        images = [np.full((9, 9), value, dtype) for value in values]
        found, _ = read_values(tmp_path, *images)
        assert found == pytest.approx(greys, abs=1)


def test_read_image_in_a_given_mode(tmp_path):
    Image.fromarray(np.full((9, 9, 3), (200, 0, 0), np.uint8)).save(tmp_path / "r.png")
    assert (read_image(tmp_path / "r.png", "L") == 60).all()  # 0.299 * 200
    for pixels in (GREY, of_bits(GREY, 16)):
        Image.fromarray(pixels).save(tmp_path / "grey.png")
        assert read_image(tmp_path / "grey.png", "RGB")[5, 5].tolist() == [100] * 3


def nan_pixels(file):
    pixels = np.zeros((9, 9), np.float32)
    pixels[3, 4] = np.nan
    Image.fromarray(pixels).save(file, format="TIFF")


def white_is_zero(file):
    image = Image.fromarray(of_bits(GREY, 16))
    image.save(file, format="TIFF", tiffinfo={TIFF_PHOTOMETRIC: 0})


def signed(file):
    Image.fromarray(GREY).save(file, format="TIFF", tiffinfo={TIFF_SAMPLE_FORMAT: 2})


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("x.jpg", lambda file: Image.fromarray(GREY).save(file, "PNG"), "rename it to"),
        ("x.png", lambda file: Image.fromarray(GREY).save(file, "GIF"), "GIF image"),
        ("x.png", lambda file: file.write_bytes(b""), "an empty file"),
        ("x.png", lambda file: file.write_text("no image"), "not png, jpeg, tiff"),
        ("x.png", lambda file: file.mkdir(), "Is a directory"),
        ("x.png", lambda file: file.symlink_to("nowhere"), "No such file"),
        ("x.tif", nan_pixels, "NaN"),
        ("x.tif", white_is_zero, "0 for white"),
        ("x.tif", signed, "8 bits with a sign"),
    ],
)
def test_what_is_no_picture_is_one_line(tmp_path, name, make, words):
    """Which file, what is wrong and what to do; and it can be left out."""
    make(tmp_path / name)
    with pytest.raises(UserError, match=words) as caught:
        read_image(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / name))
    assert message.endswith("or leave out such files with --skip-unreadable")
    assert "\n" not in message
    Image.fromarray(GREY).save(tmp_path / "good.png")
    files = [tmp_path / name, tmp_path / "good.png"]
    pictures = read_images(files, "x", None, True)
    assert pictures.kept.tolist() == [1]
    assert sum(pictures.left_out.values()) == 1
    assert str(files[0]) in pictures.remarks[0]


@pytest.mark.parametrize(
    "name", ["x.png", "x.jpg", "x.tif", "x.bmp", "x.gif", "x.webp", "x.pgm", "x.jp2"]
)
def test_half_a_file_is_unreadable(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
    file = tmp_path / name
    Image.fromarray(noise).save(file)
    read_image(file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(UserError, match=f"{name}: unreadable image"):
        read_image(file)


def test_colours_of_16_bits_that_can_not_be_read_well(tmp_path):
    """Pillow keeps the upper 8 bits: of 12 that are used, 4 would be left."""
    tifffile = pytest.importorskip("tifffile")
    file = tmp_path / "deep.tif"
    tifffile.imwrite(file, of_bits(RED, 16), photometric="rgb")
    assert read_image(file)[5, 5].tolist() == [200, 10, 20]
    tifffile.imwrite(file, of_bits(RED, 12), photometric="rgb")
    with pytest.raises(UserError, match="only the upper 8 can be read"):
        read_image(file)
