import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_optimizer import SOAP
from torch import nn

from perceptmetric.training.state import pack, unpack


def network():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 6, 3), nn.Conv2d(6, 2, 5, padding=2))
    return layers.to(memory_format=torch.channels_last)


def step(module, optimizer, number):
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(number))
    optimizer.zero_grad()
    module(images.contiguous(memory_format=torch.channels_last)).square().mean().backward()
    optimizer.step()


@pytest.mark.parametrize("kind", [torch.optim.Adam, SOAP], ids=lambda kind: kind.__name__)
@given(before=st.integers(0, 12), after=st.integers(1, 12))
def test_an_optimizer_goes_on_from_its_packed_state_to_the_same_bits(kind, before, after):
    one = network()
    first = kind(one.parameters(), lr=0.01)
    for number in range(before):
        step(one, first, number)
    other = copy.deepcopy(one)
    second = kind(other.parameters(), lr=0.5)
    unpack(second, *pack(first))
    for number in range(before, before + after):
        step(one, first, number)
        step(other, second, number)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_what_is_packed_is_contiguous_tensors_by_name():
    module = network()
    optimizer = torch.optim.Adam(module.parameters())
    step(module, optimizer, 0)
    tensors, text = pack(optimizer)
    assert all(tensor.is_contiguous() for tensor in tensors.values())
    assert all(f'"{name}"' in text for name in tensors)
    shapes = [tuple(tensors[f"optimizer.state.{place}.exp_avg"].shape) for place in range(4)]
    assert shapes == [(6, 3, 3, 3), (6,), (2, 6, 5, 5), (2,)]
