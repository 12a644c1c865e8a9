"""The loss inside the training loops that other people use; docs/how-to/loss.md has the same as examples."""

import pytest
import torch
from torch import nn

from perceptmetric import PerceptualLoss
from perceptmetric.images import as_batch

STEPS = 12


@pytest.fixture
def loader(samples):
    photograph = as_batch(samples / "cat.png")[..., :64, :64]
    crops = photograph.unfold(2, 16, 16).unfold(3, 16, 16).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, 16, 16)
    return torch.utils.data.DataLoader(crops[: 2 * STEPS], batch_size=2)


def small_network():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))


def darker(clean):
    return 0.5 * clean


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what Lightning says of loggers, workers and its own imports
def test_lightning_trains_with_it_and_saves_none_of_it(loader, tmp_path):
    lightning = pytest.importorskip("lightning")

    class Restorer(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network, self.loss, self.losses = small_network(), PerceptualLoss(), []

        def training_step(self, clean, index):
            loss = self.loss(self.network(darker(clean)), clean)
            self.losses.append(loss.item())
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.network.parameters(), 1e-2)

    model = Restorer()
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=tmp_path
    )
    trainer.fit(model, loader)
    assert model.losses[-1] < 0.8 * model.losses[0]
    (checkpoint,) = tmp_path.rglob("*.ckpt")
    saved = torch.load(checkpoint, weights_only=True)["state_dict"]
    assert saved.keys() == {f"network.{name}" for name in model.network.state_dict()}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # accelerate's own imports
def test_accelerate_trains_with_it(loader):
    accelerate = pytest.importorskip("accelerate")
    accelerator = accelerate.Accelerator(cpu=True, mixed_precision="bf16")
    network = small_network()
    network, optimizer, batches = accelerator.prepare(network, torch.optim.Adam(network.parameters(), 1e-2), loader)
    loss_of, losses = PerceptualLoss().to(accelerator.device), []
    for _ in range(2):
        for clean in batches:
            loss = loss_of(network(darker(clean)), clean)
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
