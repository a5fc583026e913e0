"""Makes small image files in the formats of MNIST and CIFAR-10. Imported by the tests of this folder."""

import gzip
import lzma
import pathlib
import random

PACK = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}


def idx(sizes: list[int], values: bytes) -> bytes:
    """An IDX file of unsigned bytes: magic, one size for each dimension, the values."""
    return b"".join(number.to_bytes(4, "big") for number in [0x800 + len(sizes), *sizes]) + values


def image(label: int, pixels: int, noise: random.Random) -> bytes:
    """Noise, and a light stripe whose place is the label's, so that there is something to learn."""
    stripe = range(label * pixels // 10, (label + 1) * pixels // 10)
    return bytes(200 if i in stripe else noise.randrange(100) for i in range(pixels))


def images(count: int, pixels: int) -> list[bytes]:
    """Image n is of class n modulo 10."""
    noise = random.Random(1)
    return [image(n % 10, pixels, noise) for n in range(count)]


def write_mnist(folder: pathlib.Path, train: int = 120, test: int = 40, suffix: str = "") -> None:
    """The four files of MNIST, or of Fashion-MNIST when the folder bears its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in ("train", train), ("t10k", test):
        pixels = b"".join(images(count, 28 * 28))
        labels = bytes(n % 10 for n in range(count))
        contents = {"images-idx3": idx([count, 28, 28], pixels), "labels-idx1": idx([count], labels)}
        for name, values in contents.items():
            (folder / f"{part}-{name}-ubyte{suffix}").write_bytes(PACK[suffix](values))


def write_cifar10(folder: pathlib.Path, names: list[str], count: int = 40) -> None:
    """Files of `count` records each: "data_batch_1.bin", "test_batch.bin.xz"."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = images(count, 3 * 32 * 32)
    records = b"".join(bytes([n % 10]) + picture for n, picture in enumerate(pictures))
    for name in names:
        (folder / name).write_bytes(PACK[pathlib.Path(name).suffix.replace(".bin", "")](records))
