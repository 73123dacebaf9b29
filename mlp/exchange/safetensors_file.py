"""safetensors files: the arrays of a network by name, and beside them which layers they belong to.

Other libraries find arrays where PyTorch would have put them:

    dense1.weight (n_out, n_in), dense1.bias (n_out,)             rbf1.centres (n_out, n_in), rbf1.log_widths (n_out,)
    batchnorm1.weight, .bias, .running_mean, .running_var (n,)    layernorm1.weight, .bias (n,)
    residual1.dense1.weight, ...: layers inside a block

`from_safetensors` builds the network again, to the bit. Layers and initializers are dataclasses, so a description is a
name and the fields: `{"Dense": {"n_in": 2, ...}}`. Nothing read is trusted: only layers of this package are made,
whatever a file says, and none that needs more numbers than the file has.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mlp.layers
from mlp.arrays import Array
from mlp.errors import FileFormatError, HyperparameterError, MLPError, ShapeError, UnknownNameError
from mlp.exchange.onnx_file import check_single_network, import_extra
from mlp.experiment import Run
from mlp.initializers import INITIALIZERS
from mlp.layers import Layer, Residual
from mlp.layers.chain import names, settle, slices
from mlp.network import Network
from mlp.storage.atomic import write_file
from mlp.storage.permission import as_path
from mlp.storage.reading import read_file

FORMAT = "1"


def to_safetensors(model: Run | Network, path: str | os.PathLike[str], *, dtype: str | None = None) -> Path:
    """Write the arrays of a network, or of a run's, to `path`; names are those of PyTorch.

    `dtype`: "bfloat16" writes numbers of 16 bits, rounded to the nearest; None writes those of the network.
    A run's preprocessing goes into the metadata, as JSON. A file at `path` is replaced.
    MissingExtraError without the extra `safetensors`.
    """
    library = import_extra("safetensors.numpy", "a safetensors file", "safetensors")
    network = check_single_network(_single_network(model) if isinstance(model, Run) else model)
    arrays = {name: np.ascontiguousarray(values) for name, values in name_arrays(network).items()}
    about = {"format": "mlp", "version": FORMAT, "layers": json.dumps(describe_layers(network.layers))}
    if isinstance(model, Run):
        about["preprocessing"] = json.dumps(model.model.preprocessing.to_json())
    if dtype not in (None, "bfloat16"):
        raise HyperparameterError("dtype", dtype, 'None, or "bfloat16"')
    if dtype is None:
        return write_file(path, library.save(arrays, about))
    return write_file(path, _pack_bfloat16(arrays, about))


def _pack_bfloat16(arrays: dict[str, Array], about: dict[str, str]) -> bytes:
    """The bytes of a safetensors file; the library takes no bfloat16 from NumPy, which has none.

    The length of the header (8 bytes), the header in JSON, then one array after another.
    """
    header: dict[str, Any] = {"__metadata__": about}
    end = 0
    for name, values in arrays.items():
        start, end = end, end + 2 * values.size
        header[name] = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *(to_bfloat16(v).tobytes() for v in arrays.values())])


def _single_network(run: Run) -> Network:
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
    arrays, about = read_safetensors(path)
    try:
        return _network(arrays, about)
    except MLPError as error:
        raise FileFormatError(f"{path}: not a network that mlp wrote: {str(error).rstrip('.')}.") from None
    except Exception as error:  # JSON and constructors have a dozen kinds of errors for what nobody wrote
        raise FileFormatError(f"{path}: not a network that mlp wrote ({type(error).__name__}).") from None


def read_safetensors(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays and metadata of a safetensors file of anyone; FileFormatError where it is none."""
    library = import_extra("safetensors", "a safetensors file", "safetensors")
    if not isinstance(path, str | os.PathLike):
        raise FileFormatError(f"the path of a .safetensors file is needed; given was a {type(path).__name__}.")
    place = as_path("path", path)
    try:
        with library.safe_open(place, framework="numpy") as file:
            kinds = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
            arrays = {name: file.get_tensor(name) for name, kind in kinds.items() if kind != "BF16"}
            about = file.metadata() or {}
        if len(arrays) < len(kinds):
            arrays |= _read_bfloat16(read_file(place))
        return {name: arrays[name] for name in kinds}, about
    except FileNotFoundError:
        raise FileFormatError(f"{path}: there is no such file.") from None
    except Exception as error:  # its own error class is not exported everywhere; dtypes NumPy has not are KeyErrors
        why = " ".join(str(error).split())
        raise FileFormatError(f"{path}: cannot be read as safetensors of float32 or float64 numbers: {why}.") from None


def _read_bfloat16(file: bytes) -> dict[str, Array]:
    """The arrays of bfloat16 in a file that the library has found to be right, as float32."""
    begin = 8 + int.from_bytes(file[:8], "little")
    found = {}
    for name, about in json.loads(file[8:begin]).items():
        if about.get("dtype") == "BF16":
            start, end = about["data_offsets"]
            bits = np.frombuffer(file, "<u2", (end - start) // 2, begin + start)
            found[name] = from_bfloat16(bits).reshape(about["shape"])
    return found


def to_bfloat16(values: Array) -> Array:
    """The upper 16 bits of float32, rounded to the nearest and of two to the even one, as uint16.

    >>> from_bfloat16(to_bfloat16(np.array([1.0, 3.14159, -0.1]))).tolist()
    [1.0, 3.140625, -0.10009765625]
    """
    bits = np.ascontiguousarray(values, "<f4").view("<u4")
    rounded = (bits + (0x7FFF + (bits >> 16 & 1))) >> 16
    return np.where(np.isnan(values), 0x7FC0, rounded).astype("<u2")


def from_bfloat16(bits: Array) -> Array:
    """float32 whose upper 16 bits these are."""
    return (bits.astype("<u4") << 16).view("<f4")


def _network(arrays: dict[str, Array], about: dict[str, str]) -> Network:
    if about.get("format") != "mlp":
        raise FileFormatError("it names no layers. If it is a PyTorch state dict, use mlp.from_torch")
    if about["version"] != FORMAT:
        raise FileFormatError(f"format {about['version']} is not known to this mlp ({FORMAT}). Install a newer mlp")
    found = rebuild_layers(json.loads(about["layers"]))
    _check_size(found, arrays)
    dtype = next(iter(arrays.values())).dtype if arrays else np.float64
    network = Network(found, 0, dtype=dtype)
    _fill(name_arrays(network), arrays)
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


# arrays by name


def name_arrays(network: Network) -> dict[str, Array]:
    """Every array of the network by name: views."""
    layers = (network.layout.names, network.layers, network.views)
    return dict(_name_chain("", *layers, network.statistics))


def _name_chain(
    place: str, called: tuple[str, ...], layers: Any, params: Any, statistics: Array
) -> Iterator[tuple[str, Array]]:
    shares = slices(layer.n_statistics for layer in layers)
    for name, layer, mine, share in zip(called, layers, params, shares, strict=True):
        yield from _name_layer(f"{place}{name}.", layer, mine, statistics[share])


def _name_layer(place: str, layer: Layer, params: Any, statistics: Array) -> Iterator[tuple[str, Array]]:
    if isinstance(layer, Residual):
        yield from _name_chain(place, names(layer.layers), layer.layers, params, statistics)
    else:
        for name, values in layer.name_arrays(params, statistics).items():
            yield place + name, values


# layers as JSON


KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (*vars(mlp.layers).values(), *INITIALIZERS.values())
    if isinstance(kind, type) and is_dataclass(kind)
}


def describe_layers(value: Any) -> Any:
    """A layer, an initializer, a list of them or a plain value, for JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        if KINDS.get(name) is not type(value):
            raise UnknownNameError("description of the layer or initializer", name, KINDS)
        return {name: {field.name: describe_layers(getattr(value, field.name)) for field in fields(value)}}
    if isinstance(value, list | tuple):
        return [describe_layers(part) for part in value]
    if not isinstance(value, str | int | float | None):
        raise UnknownNameError("description of the layer or initializer", type(value).__name__, KINDS)
    return value


def rebuild_layers(found: Any) -> list[Layer]:
    """The layers that `describe_layers` wrote down; FileFormatError where it is none of its writing."""
    made = _rebuild(found)
    if not isinstance(made, list) or not all(isinstance(layer, Layer) for layer in made):
        raise FileFormatError("its description is no list of layers")
    return made


def _rebuild(found: Any) -> Any:
    if isinstance(found, list):
        return [_rebuild(part) for part in found]
    if not isinstance(found, dict):
        return found
    (name, own), *others = found.items()
    if others or name not in KINDS:
        raise FileFormatError(f"its description names {name!r}, which is no layer of this mlp")
    return KINDS[name](**{key: _rebuild(value) for key, value in own.items()})


def n_numbers(found: Sequence[Layer]) -> int:
    """How many parameters and statistics layers have that know their widths."""
    return sum(layer.n_params + layer.n_statistics for layer in found)
