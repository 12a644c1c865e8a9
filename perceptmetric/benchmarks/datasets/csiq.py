"""CSIQ, and just enough of the XLSX format to read its scores."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from perceptmetric.benchmarks.datasets.dataset import Dataset, Pair, checked, number
from perceptmetric.benchmarks.datasets.folder import reading
from perceptmetric.benchmarks.datasets.spreadsheet import rows
from perceptmetric.errors import InputError

SOURCE = "https://s2.smu.edu/~eclarson/csiq.html"
PAIRS = 866
COLUMNS = ("image", "dst_type", "dst_lev", "dmos")

# What the sheet calls a type of distortion -> its folder, and the word for it in file names.
KINDS = {
    "noise": ("awgn", "AWGN"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "fnoise": ("fnoise", "fnoise"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}

MAX_SHEET_BYTES = 2**24
"""The largest part of a spreadsheet, unpacked, that is read."""


def read(root: Path) -> Dataset:
    """CSIQ: 30 references, 6 types of distortion at 4 or 5 levels, 866 difference scores from 0 to 1.

    Larson, Chandler, "Most apparent distortion: full-reference image quality assessment and the role of
    strategy", Journal of Electronic Imaging 19, 2010.

    Args:
        root: folder with `src_imgs/`, `dst_imgs/` (a folder for each type) and `csiq.DMOS.xlsx`, or its sheet
            `all_by_image` saved as `csiq.DMOS.csv`.

    Raises:
        InputError: a piece is missing or wrong; the message names it.
    """
    path = root / "csiq.DMOS.xlsx"
    text = root / "csiq.DMOS.csv"
    if path.is_file():
        table = _sheet(path)
    elif text.is_file():
        path, table = text, rows(text, COLUMNS)
    else:
        raise InputError(f"{path}: no such file, nor {text.name}; the set can be had at {SOURCE}")
    pairs = [_pair(root, where, row) for where, row in table]
    if len(pairs) != PAIRS:
        raise InputError(f"{path}: found {len(pairs)} scores, expected {PAIRS}; the set can be had at {SOURCE}")
    return checked("CSIQ", "DMOS", pairs, SOURCE)


def _pair(root: Path, where: str, row: dict[str, str]) -> Pair:
    kind, image, level = row["dst_type"], row["image"].removesuffix(".0"), row["dst_lev"].removesuffix(".0")
    if kind not in KINDS:
        raise InputError(f"{where}: found type {kind!r}, expected one of {', '.join(KINDS)}")
    folder, word = KINDS[kind]
    distorted = root / "dst_imgs" / folder / f"{image}.{word}.{level}.png"
    return Pair(root / "src_imgs" / f"{image}.png", distorted, number(row["dmos"], where), kind)


def _sheet(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows below the header of sheet `all_by_image`; the header is the first row that holds all `COLUMNS`."""
    with reading(path, "a spreadsheet with a sheet all_by_image"), zipfile.ZipFile(path) as book:
        cells = _cells(book, "all_by_image")
    header: dict[str, str] = {}
    for row, values in sorted(cells.items()):
        if not header:
            header = {text: column for column, text in values.items() if text in COLUMNS}
            header = header if len(header) == len(COLUMNS) else {}
        elif any(column in values for column in header.values()):  # the sheet ends in empty rows
            where = f"{path}: row {row}"
            if absent := [name for name, column in header.items() if column not in values]:
                raise InputError(f"{where}: found no {absent[0]}, expected {', '.join(COLUMNS)}")
            yield where, {name: values[column] for name, column in header.items()}
    if not header:
        raise InputError(f"{path}: found no row with {', '.join(COLUMNS)} in sheet all_by_image")


def _cells(book: zipfile.ZipFile, sheet: str) -> dict[int, dict[str, str]]:
    """The cells with content of one sheet of an Office Open XML workbook (ECMA-376): row, column, text."""
    strings = ["".join(item.itertext()) for item in _xml(book, "xl/sharedStrings.xml")]
    workbook = _xml(book, "xl/workbook.xml")
    entry = next(item for item in workbook.iterfind("{*}sheets/{*}sheet") if item.get("name") == sheet)
    key = next(value for name, value in entry.items() if name.endswith("}id"))
    relations = _xml(book, "xl/_rels/workbook.xml.rels")
    target = next(item.get("Target", "") for item in relations if item.get("Id") == key)
    cells: dict[int, dict[str, str]] = {}
    for cell in _xml(book, f"xl/{target.removeprefix('/xl/')}").iterfind("{*}sheetData/{*}row/{*}c"):
        place = re.fullmatch(r"([A-Z]+)(\d+)", cell.get("r", ""))
        text = "".join(part.text or "" for part in cell.iter() if part.tag.endswith(("}v", "}t")))
        if place and text:
            content = strings[int(text)] if cell.get("t") == "s" else text
            cells.setdefault(int(place[2]), {})[place[1]] = content.strip()
    return cells


def _xml(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if book.getinfo(name).file_size > MAX_SHEET_BYTES:
        raise ValueError(f"{name} is larger than {MAX_SHEET_BYTES} bytes")
    content = book.read(name)
    if b"<!DOCTYPE" in content:  # no spreadsheet has one; entities could grow without end
        raise ValueError(f"{name} has a document type")
    return ElementTree.fromstring(content)  # noqa: S314 (without a document type there are no entities)
