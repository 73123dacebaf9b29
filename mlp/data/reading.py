"""How a text file becomes characters and lines: compression, encoding, separator, comments.

What a file says itself is found out: a byte order mark, the zero bytes of UTF-16, a line `sep=;`, the separator that
divides all lines alike. Settings say the rest. Knows bytes and lines, not what cells mean.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import dropwhile
from pathlib import Path
from typing import IO, Any

from mlp.data.complaints import one_line
from mlp.errors import ConfigError, FileFormatError
from mlp.limits import shortage
from mlp.storage.reading import read_file, unzip

STANDARD_INPUT = "-"
SEPARATORS = {".csv": ",;\t|", ".tsv": "\t"}  # in order of preference
QUOTED = re.compile(r'"[^"]*"')
EXCEL = re.compile(r'"?sep=(?P<separator>[^"\r\n])"?[,;\t ]*(\r\n|\r|\n)', re.IGNORECASE)
LOOKED_AT = 50  # lines
PIECE = 1 << 24  # bytes of standard input that are asked for at a time: it may have no end


@dataclass(frozen=True)
class Reading:
    """How a text file is read, where it does not say so itself.

    `encoding`: a name that Python knows, "" for UTF-8, or UTF-16 where the bytes say so. `separator`: between cells, ""
    to find it. `header`: whether the first line names the columns; without, they are called 0, 1, .... `comment`: lines
    that begin with it are left out, "" for none.
    """

    encoding: str = ""
    separator: str = ""
    header: bool = True
    comment: str = ""

    def __post_init__(self) -> None:
        try:
            "".encode(self.encoding or "utf-8")
        except LookupError:
            raise ConfigError(
                f"[data] encoding = {self.encoding!r} is not known. Give a name like utf-8, utf-16, latin-1 or cp1252."
            ) from None


AS_USUAL = Reading()


def kind_of(name: str) -> str:
    """The ending of a file that says its kind, in small letters; .gz says nothing, and standard input is a .csv.

    >>> kind_of("data.CSV.gz"), kind_of("-")
    ('.csv', '.csv')
    """
    if name == STANDARD_INPUT:
        return ".csv"
    path = Path(name)
    return Path(path.stem if path.suffix.lower() == ".gz" else path).suffix.lower()


def read_bytes(path: Path) -> bytes:
    """All of a file, unpacked; or of standard input, which is read once and kept."""
    if str(path) == STANDARD_INPUT:
        return _read_stream(getattr(sys.stdin, "buffer", sys.stdin))
    if path.suffix.lower() != ".gz":
        return read_file(path)
    try:
        return unzip(path, read_file(path))
    except (EOFError, gzip.BadGzipFile, zlib.error, ValueError) as error:
        raise FileFormatError(
            f"{path} is damaged, or not packed with gzip ({one_line(error)}). Pack it anew."
        ) from None


@lru_cache(maxsize=1)
def _read_stream(stream: IO[Any]) -> bytes:
    found = bytearray()
    while piece := stream.read(PIECE):
        found += piece.encode() if isinstance(piece, str) else piece
        if why := shortage(len(found)):
            raise FileFormatError(f"standard input does not fit into memory: {why}.")
    return bytes(found)


def decode(path: Path, content: bytes, encoding: str) -> str:
    """The characters of a file; FileFormatError names the line where the encoding does not fit."""
    known = encoding or _find_encoding(content)
    try:
        return content.decode(known).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        hint = f"byte 0x{content[error.start]:02x} is not {known.removesuffix('-sig').upper()}"
        raise FileFormatError(
            f"{path}, line {line}: {hint}. Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8'), or, if it is from "
            'Windows in a language of western Europe, set [data] encoding = "cp1252" (--set data.encoding=cp1252).'
        ) from None


def _find_encoding(content: bytes) -> str:
    """UTF-8, or UTF-16 where the file begins with its mark or has the zero bytes of plain letters."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    start = content[:1000]
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if 2 * zeros.count(0) > len(zeros) > 1:
            return encoding
    return "utf-8-sig"


def leave_out_comments(text: str, comment: str) -> str:
    """The text with empty lines in the place of those that begin with `comment`, so that lines keep their numbers."""
    if not comment:
        return text
    lines = text.splitlines(keepends=True)
    return "".join("\n" if line.lstrip().startswith(comment) else line for line in lines)


def find_separator(text: str, suffix: str, asked: str) -> tuple[str, str]:
    """What separates the cells, and the text without a line of Excel's that says it: sep=;."""
    said = EXCEL.match(text)
    if said:
        return asked or said["separator"], "\n" + text[said.end() :]
    if asked:
        return asked, text
    candidates = SEPARATORS.get(suffix, SEPARATORS[".csv"])
    lines = [QUOTED.sub("", line) for line in text[: 1 << 16].splitlines()[:LOOKED_AT] if line.strip()]
    lines = list(dropwhile(lambda line: not any(c in line for c in candidates), lines))  # titles
    if not lines:
        return candidates[0], text
    even = [c for c in candidates if lines[0].count(c) and len({line.count(c) for line in lines}) == 1]
    if len(even) > 1 and ";" in even:  # 1,5;2,5: the comma is in numbers
        return ";", text
    return next((c for c in candidates if c in lines[0] and (not even or c in even)), candidates[0]), text


def parse_lines(path: Path, text_lines: Iterable[str], separator: str) -> tuple[list[int], list[list[str]]]:
    """The lines on which rows begin, and the rows; blank lines are left out."""
    reader = csv.reader(text_lines, delimiter=separator, strict=True, skipinitialspace=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    line = 1
    try:
        for row in reader:
            if row:
                lines.append(line)
                rows.append([cell.strip() for cell in row])
            line = reader.line_num + 1
    except csv.Error as error:
        raise FileFormatError(
            f"{path}, line {line}: {one_line(error)}. "
            'Put cells that hold quotes, line breaks or the separator in quotes ("), inner quotes doubled.'
        ) from None
    return lines, rows
