"""MNIST and Fashion-MNIST: where their four files are, and how they are put together.

Fetched once into the user's cache, then read from there without network. Folders and addresses can be given
in the environment: MLP_CACHE, MLP_MNIST_URL, MLP_FASHION_MNIST_URL.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import NamedTuple

from mlp.data.dataset import Dataset
from mlp.data.download import cache_folder, fetch_any
from mlp.data.idx import load_idx
from mlp.errors import DownloadError

FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


class ImageSet(NamedTuple):
    """Four idx files, in the order of FILES, with their MD5 checksums and the folders that have them."""

    name: str
    mirrors: tuple[str, ...]
    checksums: tuple[str, ...]
    class_names: tuple[str, ...]
    description: str
    source: str
    licence: str


IMAGE_SETS = {
    "mnist": ImageSet(
        "mnist",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        (
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        tuple("0123456789"),
        "handwritten digits, 28 x 28 pixels of 0 ... 255; 60,000 to train on and 10,000 to test",
        "LeCun, Cortes, Burges: The MNIST database of handwritten digits",
        "CC BY-SA 3.0, as Keras states it (LeCun and Cortes)",
    ),
    "fashion_mnist": ImageSet(
        "fashion_mnist",
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        (
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
        (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        "articles of clothing, 28 x 28 pixels of 0 ... 255; 60,000 to train on and 10,000 to test",
        "Xiao, Rasul, Vollgraf: Fashion-MNIST (2017), Zalando Research",
        "MIT",
    ),
}


def load_images(images: ImageSet, url: str | None = None, folder: Path | None = None) -> Dataset:
    """The data set, its files fetched into `folder` unless they are there already.

    `url` replaces the mirrors (default: $MLP_NAME_URL, if set); `folder` is by default one in the user's
    cache.
    """
    url = url or os.environ.get(f"MLP_{images.name.upper()}_URL")
    mirrors = (url,) if url else images.mirrors
    folder = image_folder(images) if folder is None else folder
    for name, checksum in zip(FILES, images.checksums, strict=True):
        _fetch(images, tuple(f"{mirror.rstrip('/')}/{name}" for mirror in mirrors), folder / name, checksum)
    return _together(images, [folder / name for name in FILES])


def image_folder(images: ImageSet) -> Path:
    """Where its files are, in the user's cache."""
    return cache_folder() / images.name


def _fetch(images: ImageSet, urls: tuple[str, ...], path: Path, checksum: str) -> None:
    try:
        fetch_any(urls, path, checksum)
    except DownloadError as error:
        raise DownloadError(
            f"{images.name}: {error} Try again later, or put {path.name} into {path.parent}, "
            f"or give idx files you have by path: {','.join(FILES[:2])}."
        ) from error


def _together(images: ImageSet, paths: list[Path]) -> Dataset:
    train, test = load_idx(paths[0], paths[1]), load_idx(paths[2], paths[3])
    assert train.y is not None and test.y is not None
    return dataclasses.replace(
        train,
        class_names=images.class_names,
        test=(test.X, test.y),
        name=images.name,
        description=images.description,
        source=images.source,
        licence=images.licence,
    )
