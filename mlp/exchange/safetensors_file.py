"""safetensors files: the arrays of a network by name, and beside them which layers they belong to.

Other libraries find arrays where PyTorch would have put them; `from_safetensors` builds the network again, to the bit.
Nothing read is trusted: only layers of this package are made, and none that needs more numbers than the file has.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import FileFormatError, MLPError, ShapeError
from mlp.exchange.description import described, layers, n_numbers
from mlp.exchange.onnx_file import checked
from mlp.exchange.package import needed
from mlp.exchange.tensors import tensors
from mlp.experiment import Run
from mlp.layers.chain import settle
from mlp.network import Network
from mlp.output import as_path, write_file

FORMAT = "1"


def to_safetensors(model: Run | Network, path: str | os.PathLike[str]) -> Path:
    """Write the arrays of a network, or of a run's, to `path`; names are those of PyTorch (see `exchange.tensors`).

    A run's preprocessing goes into the metadata, as JSON. A file at `path` is replaced.
    MissingExtraError without the extra `safetensors`.
    """
    library = needed("safetensors.numpy", "a safetensors file", "safetensors")
    network = checked(_only(model) if isinstance(model, Run) else model)
    arrays = {name: np.ascontiguousarray(values) for name, values in tensors(network).items()}
    about = {"format": "mlp", "version": FORMAT, "layers": json.dumps(described(network.layers))}
    if isinstance(model, Run):
        about["preprocessing"] = json.dumps(model.model.preprocessing.to_json())
    return write_file(path, library.save(arrays, about))


def _only(run: Run) -> Network:
    """The network of a run; refuses an ensemble."""
    if run.network.population:
        raise ShapeError(
            f"this run is an ensemble of {run.network.population[0]} networks, and a .safetensors file holds one. "
            "Export it as .onnx, or one of them in Python: mlp.to_safetensors(run.network.member(0), path)."
        )
    return run.network


def from_safetensors(path: str | os.PathLike[str]) -> Network:
    """The network that `to_safetensors` wrote: same layers, same bits.

    FileFormatError for anything else; a PyTorch state dict is read by `from_torch`.
    """
    arrays, about = opened(path)
    try:
        return _network(arrays, about)
    except MLPError as error:
        raise FileFormatError(f"{path}: not a network that mlp wrote: {str(error).rstrip('.')}.") from None
    except Exception as error:  # JSON and constructors have a dozen kinds of errors for what nobody wrote
        raise FileFormatError(f"{path}: not a network that mlp wrote ({type(error).__name__}).") from None


def opened(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays and metadata of a safetensors file of anyone; FileFormatError where it is none."""
    library = needed("safetensors", "a safetensors file", "safetensors")
    if not isinstance(path, str | os.PathLike):
        raise FileFormatError(f"the path of a .safetensors file is needed; given was a {type(path).__name__}.")
    place = as_path("path", path)
    try:
        with library.safe_open(place, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise FileFormatError(f"{path}: there is no such file.") from None
    except Exception as error:  # its own error class is not exported everywhere; dtypes NumPy has not are KeyErrors
        why = " ".join(str(error).split())
        raise FileFormatError(f"{path}: cannot be read as safetensors of float32 or float64 numbers: {why}.") from None


def _network(arrays: dict[str, Array], about: dict[str, str]) -> Network:
    if about.get("format") != "mlp":
        raise FileFormatError("it names no layers. If it is a PyTorch state dict, use mlp.from_torch")
    if about["version"] != FORMAT:
        raise FileFormatError(f"format {about['version']} is not known to this mlp ({FORMAT}). Install a newer mlp")
    found = layers(json.loads(about["layers"]))
    _check_size(found, arrays)
    dtype = next(iter(arrays.values())).dtype if arrays else np.float64
    network = Network(found, 0, dtype=dtype)
    _fill(tensors(network), arrays)
    return network


def _check_size(found: Any, arrays: dict[str, Array]) -> None:
    """Refuse to make room for a network of another size than the file."""
    needs, has = n_numbers(settle(found, found[0].n_in)), sum(values.size for values in arrays.values())
    if needs != has:
        raise FileFormatError(f"its layers have {needs:,} numbers, and the file holds {has:,}")


def _fill(into: dict[str, Array], arrays: dict[str, Array]) -> None:
    """Write `arrays` into those of a network, name by name."""
    with suppress(KeyError):
        if all(arrays[name].shape == mine.shape and arrays[name].dtype == mine.dtype for name, mine in into.items()):
            for name, mine in into.items():
                np.copyto(mine, arrays[name])
            return
    raise FileFormatError("its arrays are not those of its layers")
