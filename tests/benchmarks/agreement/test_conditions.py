from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perceptmetric import InputError
from perceptmetric.benchmarks.agreement.conditions import condition_row, conditions
from perceptmetric.benchmarks.agreement.statistics import srocc
from perceptmetric.benchmarks.datasets import Dataset, Pair


@pytest.fixture
def dataset():
    """Two types at three levels on four references; people agree on conditions, each photograph has its own offset."""
    return Dataset(
        "mine",
        "MOS",
        tuple(
            Pair(Path(f"I{r}.png"), Path(f"i{r}_{kind}_{level}.png"), 5.0 - level + 0.1 * r - 0.5 * number, kind)
            for r in range(4)
            for number, kind in enumerate(["blur", "noise"])
            for level in range(3)
        ),
    )


def test_means_are_taken_over_the_references(dataset):
    scored = conditions(dataset)
    assert scored.names == ["blur_0", "blur_1", "blur_2", "noise_0", "noise_1", "noise_2"]
    assert scored.kinds == ["blur"] * 3 + ["noise"] * 3
    np.testing.assert_allclose(scored.quality, [5.15, 4.15, 3.15, 4.65, 3.65, 2.65])
    np.testing.assert_allclose(scored.means(np.arange(24.0)), np.arange(6) + 9)
    turned = conditions(Dataset("mine", "DMOS", dataset.pairs))
    np.testing.assert_allclose(turned.quality, -scored.quality)


def test_a_named_condition_goes_before_the_name_of_the_file(dataset):
    pairs = [replace(pair, condition=pair.distorted.stem[-1], kind="all") for pair in dataset.pairs]
    scored = conditions(Dataset("mine", "MOS", tuple(pairs)))
    assert scored.names == ["0", "1", "2"]
    assert scored.references == scored.names  # of one type: conditions are drawn


def test_the_row_holds_the_statistics_of_the_means(dataset):
    random = np.random.default_rng(0)
    distances = -dataset.quality + random.normal(0, 2, 24)
    scored = conditions(dataset)
    row = condition_row(scored, "mine", "", distances)
    assert (row.by, row.label) == ("condition", "mine by condition")
    assert row.agreement.srocc == pytest.approx(srocc(-scored.means(distances), scored.quality))
    assert set(row.agreement.by_type) == {"blur", "noise"}
    assert row.agreement.by_reference == {}
    assert row.agreement.ci95 is not None
    other = condition_row(scored, "other", "", -distances, row)
    assert other.difference.difference == pytest.approx(-2 * row.agreement.srocc)


def test_a_condition_that_cannot_be_known_is_named(dataset):
    (first, *rest) = dataset.pairs
    for name in ("noisy.png", "I0.jpg"):
        pairs = (replace(first, distorted=Path(name)), *rest)
        with pytest.raises(InputError, match=rf"^{name}: found no condition, expected a column condition"):
            conditions(Dataset("mine", "MOS", pairs))
    with pytest.raises(InputError, match=r"found type 'noise' for condition 'x', expected 'blur' as before"):
        conditions(Dataset("mine", "MOS", tuple(replace(pair, condition="x") for pair in dataset.pairs)))
