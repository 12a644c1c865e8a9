import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from perceptmetric import InputError
from perceptmetric.benchmarks import statistics
from perceptmetric.benchmarks.statistics import agreement, logistic


@given(pairs=st.integers(10, 60), values=st.integers(3, 50), seed=st.integers(0, 999))
def test_the_correlations_are_scipys_also_with_ties(pairs, values, seed):
    random = np.random.default_rng(seed)
    distances, mos = random.integers(0, values, (2, pairs)).astype(float)
    distances[:2], mos[:2] = (0, 1), (1, 0)  # neither is constant
    found = agreement(distances, mos, range(pairs))
    assert found.srocc == pytest.approx(-stats.spearmanr(distances, mos).statistic)
    assert found.krocc == pytest.approx(-stats.kendalltau(distances, mos).statistic)
    assert found.plcc == pytest.approx(-stats.pearsonr(distances, mos).statistic)


def test_a_perfect_logistic_relation_is_found():
    distances = np.random.default_rng(0).uniform(0, 10, 200)
    mos = logistic(-distances, 8, 1, -4, 1.5)
    found = agreement(distances, mos, list(range(200)))
    assert found.srocc == 1
    assert found.plcc < 0.99
    assert found.plcc_logistic == pytest.approx(1, abs=1e-6)
    assert found.rmse == pytest.approx(0, abs=1e-3)


def test_a_metric_that_disagrees_is_negative():
    assert agreement(np.arange(9.0), np.arange(9.0), range(9)).srocc == -1


def test_the_logistic_is_its_formula():
    assert logistic(np.array([2.0]), 8, 1, 2, 3).item() == pytest.approx(4.5)
    assert logistic(np.array([5.0]), 8, 1, 2, -3).item() == pytest.approx(1 + 7 / (1 + np.exp(-1)))


def test_the_interval_holds_the_value_and_comes_from_the_references():
    random = np.random.default_rng(0)
    mos = random.normal(size=300)
    distances = -mos + random.normal(size=300)
    by_pair = agreement(distances, mos, range(300))
    assert by_pair.ci95[0] < by_pair.srocc < by_pair.ci95[1]
    assert by_pair == agreement(distances, mos, range(300))
    one_reference = agreement(distances, mos, ["all"] * 300)
    assert one_reference.ci95 == pytest.approx((one_reference.srocc,) * 2)


def test_a_fit_that_does_not_converge_is_none(monkeypatch):
    fit = statistics.optimize.least_squares
    monkeypatch.setattr(statistics.optimize, "least_squares", lambda *a, **k: fit(*a, **k, max_nfev=1))
    found = agreement(np.arange(9.0), np.arange(9.0), range(9))
    assert found.plcc_logistic is None
    assert found.rmse is None


def test_a_constant_metric_has_no_correlation():
    with pytest.raises(InputError, match="distances: found one value for all 9 pairs"):
        agreement(np.ones(9), np.arange(9.0), range(9))
