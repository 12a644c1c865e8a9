"""Trains a network with a loss, and shows what it makes of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from restoration.losses import Loss, Term
from restoration.photographs import crops
from restoration.tasks import Task

MEASURED = (0.0, 0.1, 0.5, 1.0)
"""After which shares of the steps the gradients of a loss's two terms are compared."""


@dataclass(frozen=True)
class Plan:
    """How long a network is trained, and how.

    Args:
        steps: of Adam.
        batch: crops in each step.
        rate: the highest learning rate, which is reached after a tenth of the steps.
    """

    steps: int
    batch: int
    rate: float


def train(
    network: nn.Module, task: Task, loss: Loss, weight: float, photographs: Sequence[Tensor], plan: Plan, seed: int
) -> tuple[float, ...]:
    """Trains a network in place; with the same seed, every loss sees the same crops and the same noise.

    Returns:
        How many times longer than the pixel term's the gradient of the other term was, before its weight, at each of
        `MEASURED`; nothing for a loss of one term.
    """
    torch.manual_seed(seed)
    network.train()
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), plan.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.rate, total_steps=plan.steps, pct_start=0.1)
    measured = {round(share * (plan.steps - 1)) for share in MEASURED}
    ratios = []
    for step in range(plan.steps):
        clean = crops(photographs, plan.batch, task.crop, generator)
        output = network(task.training(clean, generator))
        if loss.pixel is not None and step in measured:
            ratios.append(_gradient(loss.term, output, clean) / _gradient(loss.pixel, output, clean))
        optimizer.zero_grad()
        loss(output, clean, weight).backward()
        optimizer.step()
        schedule.step()
    network.eval()
    return tuple(ratios)


def outputs(task: Task, network: nn.Module, clean: Tensor) -> Mapping[str, Tensor]:
    """What a network makes of images under each condition of its task; the noise is the same each time."""
    made = {}
    with torch.inference_mode():
        for name, degrade in task.conditions.items():
            given = degrade(clean, torch.Generator().manual_seed(0))
            made[name] = torch.cat([network(image) for image in given.split(1)])
    return made


def _gradient(term: Term, output: Tensor, target: Tensor) -> float:
    """The length of a term's gradient with respect to the output."""
    output = output.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(term(output, target), output)
    return float(gradient.norm())
