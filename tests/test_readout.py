import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceptmetric.readout import paper, paper_map


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
def test_paper_is_the_root_of_the_sum_of_squares(n, channels, height, width):
    a, b = torch.randn(2, n, channels, height, width, dtype=torch.float64)
    expected = [sum(((x - y) ** 2).flatten().tolist()) ** 0.5 for x, y in zip(a, b, strict=True)]
    assert paper(a, b).tolist() == pytest.approx(expected)


def test_one_reference_meets_many():
    a, b = torch.randn(1, 2, 3, 3), torch.randn(4, 2, 3, 3)
    expected = torch.stack([paper(a, image[None])[0] for image in b])
    torch.testing.assert_close(paper(a, b), expected)
    torch.testing.assert_close(paper(b, a), expected)


@pytest.mark.parametrize("difference", [0.0, 1e-30, 1e-20, 1e-8])
def test_the_gradient_is_finite_near_equality(difference):
    a = torch.ones(1, 2, 3, 3)
    b = (a * 0 + difference).requires_grad_()
    value = paper(torch.zeros_like(a), b)
    value.sum().backward()
    assert value.isfinite().all()
    assert b.grad.isfinite().all()
    assert difference > 0 or (value == 0).all()


@given(height=st.integers(1, 19), width=st.integers(1, 19), stride=st.sampled_from([1, 2, 4]), beyond=st.integers(0, 3))
def test_the_map_sums_to_the_square(height, width, stride, beyond):
    places = (-(-height // stride) + beyond, -(-width // stride) + beyond)
    a, b = torch.randn(2, 2, 5, *places)
    distance_map = paper_map(a, b, size=(height, width), stride=stride)
    assert distance_map.shape == (2, 1, height, width)
    assert (distance_map >= 0).all()
    torch.testing.assert_close(distance_map.sum((1, 2, 3)), paper(a, b).square(), rtol=1e-4, atol=1e-4)


def test_the_map_shows_the_place():
    a = torch.zeros(1, 1, 2, 3)
    b = a.clone()
    b[..., 1, 2] = 4
    expected = torch.zeros(7, 10)
    expected[4:7, 8:10] = 16 / 6
    torch.testing.assert_close(paper_map(a, b, size=(7, 10), stride=4)[0, 0], expected)
