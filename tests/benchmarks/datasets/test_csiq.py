import zipfile

import pytest

from perceptmetric import InputError
from perceptmetric.benchmarks.datasets import csiq

HEADER = ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"]
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def published():
    """866 rows: 30 images, 6 types at 5 levels, but contrast at 4 for all and blur at 4 for four of them."""
    rows = []
    for number in range(30):
        image = 1600 if number == 0 else f"photo_{number}"
        for index, kind in enumerate(csiq.KINDS, start=1):
            levels = 4 if kind == "contrast" or (kind == "blur" and number < 4) else 5
            rows += [
                [image, index, kind, level, 0.1, round(level / 7 + number / 1000, 4)] for level in range(1, levels + 1)
            ]
    return rows


def workbook(path, rows, sheet="all_by_image", prologue=""):
    """A workbook as a spreadsheet program writes it: strings shared, three rows above the header, empty ones below."""
    strings = list(dict.fromkeys(str(cell) for row in rows for cell in row if isinstance(cell, str)))
    lines = ['<row r="2"><c r="B2" t="inlineStr"><is><t>CSIQ</t></is></c></row>']
    for number, row in enumerate(rows, start=4):
        cells = [
            f'<c r="{column}{number}" t="s"><v>{strings.index(cell)}</v></c>'
            if isinstance(cell, str)
            else f'<c r="{column}{number}"><v>{cell}</v></c>'
            for column, cell in zip("DEFGHI", row, strict=True)
            if cell is not None
        ]
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    lines.append('<row r="9999"><c r="D9999" s="1"/></row>')
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "xl/workbook.xml",
            f'<workbook {MAIN} xmlns:r="{RELATION}"><sheets><sheet name="other" sheetId="1" r:id="rId7"/>'
            f'<sheet name="{sheet}" sheetId="2" r:id="rId3"/></sheets></workbook>',
        )
        relations = '<Relationship Id="rId7" Target="worksheets/sheet1.xml"/>'
        relations += '<Relationship Id="rId3" Target="worksheets/sheet2.xml"/>'
        book.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relations}</Relationships>")
        items = "".join(f"<si><t>{text}</t></si>" for text in strings)
        book.writestr("xl/sharedStrings.xml", f"<sst {MAIN}>{items}</sst>")
        sheet_data = f"<worksheet {MAIN}><sheetData>{''.join(lines)}</sheetData></worksheet>"
        book.writestr("xl/worksheets/sheet2.xml", f"{prologue}{sheet_data}")


@pytest.fixture
def root(tmp_path, image):
    for name, _, kind, level, *_ in published():
        folder, word = csiq.KINDS[kind]
        image(tmp_path / "dst_imgs" / folder / f"{name}.{word}.{level}.png")
    for name in dict.fromkeys(str(row[0]) for row in published()):
        image(tmp_path / "src_imgs" / f"{name}.png")
    workbook(tmp_path / "csiq.DMOS.xlsx", [HEADER, *published()])
    return tmp_path


def test_the_spreadsheet_is_read(root):
    dataset = csiq.read(root)
    assert (dataset.name, dataset.opinion, len(dataset.pairs)) == ("CSIQ", "DMOS", 866)
    first = dataset.pairs[0]
    assert first.reference == root / "src_imgs" / "1600.png"
    assert first.distorted == root / "dst_imgs" / "awgn" / "1600.AWGN.1.png"
    assert first.score == pytest.approx(1 / 7, abs=1e-4)
    assert sorted(set(dataset.kinds)) == sorted(csiq.KINDS)


def test_the_sheet_saved_as_text_gives_the_same(root):
    from_sheet = csiq.read(root)
    (root / "csiq.DMOS.xlsx").unlink()
    lines = [",".join(map(str, row)) for row in [HEADER, *published()]]
    (root / "csiq.DMOS.csv").write_text("\n".join(lines))
    assert csiq.read(root) == from_sheet


ROWS = [HEADER, *published()]


@pytest.mark.parametrize(
    ("break_it", "problem"),
    [
        (lambda path: path.unlink(), r"csiq\.DMOS\.xlsx: no such file, nor csiq\.DMOS\.csv; the set can be had at"),
        (lambda path: path.write_text("hello"), r"not a spreadsheet with a sheet all_by_image \(File is not a zip"),
        (lambda path: workbook(path, ROWS, sheet="else"), "not a spreadsheet with a sheet all_by_image"),
        (lambda path: workbook(path, ROWS, prologue="<!DOCTYPE x>"), "has a document type"),
        (lambda path: workbook(path, ROWS[1:]), "found no row with image, dst_type, dst_lev, dmos"),
        (lambda path: workbook(path, ROWS[:-1]), r"csiq\.DMOS\.xlsx: found 865 scores, expected 866"),
        (lambda path: workbook(path, [*ROWS[:-1], [*ROWS[-1][:-1], None]]), "row 870: found no dmos"),
        (lambda path: workbook(path, [*ROWS[:-1], ["x", 1, "snow", 1, 0.1, 0.1]]), "row 870: found type 'snow'"),
        (lambda path: workbook(path, [*ROWS[:-1], ROWS[1]]), r"1600\.AWGN\.1\.png: found two scores"),
        (
            lambda path: workbook(path, ROWS, prologue=" " * (csiq.MAX_SHEET_BYTES + 1)),
            f"sheet2.xml is larger than {csiq.MAX_SHEET_BYTES} bytes",
        ),
    ],
)
def test_a_broken_spreadsheet_is_named(root, break_it, problem):
    break_it(root / "csiq.DMOS.xlsx")
    with pytest.raises(InputError, match=problem):
        csiq.read(root)


def test_a_missing_image_is_named(root):
    (root / "dst_imgs" / "jpeg2000" / "1600.jpeg2000.3.png").unlink()
    with pytest.raises(InputError, match=r"1600\.jpeg2000\.3\.png: no such file"):
        csiq.read(root)
