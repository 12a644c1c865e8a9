"""The metric as other people's training code uses it; docs/how-to/loss.md has the same as examples."""

import copy
import io

import pytest
import torch
from torch import distributed, nn
from torch.utils.checkpoint import checkpoint

from perceptmetric import PerceptualDistance
from perceptmetric.images import as_batch

SIGMA = 0.1


class Denoiser(nn.Module):
    """A small residual network with the metric as a submodule, as a training framework would hold it."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 3, padding=1))
        self.metric = PerceptualDistance(check=False)

    def forward(self, clean, noise):
        noisy = clean + SIGMA * noise
        output = noisy + self.layers(noisy)
        return nn.functional.mse_loss(output, clean) + 0.03 * self.metric(output, clean).mean()


@pytest.fixture
def crops(samples):
    photograph = as_batch(samples / "cat.png")
    return photograph.unfold(2, 32, 32).unfold(3, 32, 32).permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, 32, 32)


def train(model, crops, steps, loss_of=None, scaler=None):
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-3)
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    for _ in range(steps):
        clean = crops[torch.randint(len(crops), (16,), generator=generator)]
        noise = torch.randn(clean.shape, generator=generator).to(clean)
        loss = (loss_of or model)(clean, noise)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def assert_learned(model, clean):
    """What the model makes of noisy crops is nearer to the clean ones, by mean squared error and by distance."""
    noisy = clean + SIGMA * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1)).to(clean)
    with torch.no_grad():
        output = noisy + model.layers(noisy)
    assert nn.functional.mse_loss(output, clean) < 0.6 * nn.functional.mse_loss(noisy, clean)
    assert model.metric(output, clean).mean() < 0.9 * model.metric(noisy, clean).mean()


def state(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def assert_same(state, other):
    for name, tensor in state.items():
        assert torch.equal(tensor, other[name]), name


@pytest.mark.slow
def test_a_denoiser_gets_better_by_both_and_the_metric_stays(crops):
    model = Denoiser().train().requires_grad_(True)
    before = state(model.metric)
    train(model, crops, steps=160)
    assert_learned(model, crops)
    assert not any(module.training for module in model.metric.modules())
    assert_same(before, model.metric.state_dict())


def test_no_optimiser_meets_the_metric():
    model = Denoiser().train().requires_grad_(True)
    assert list(model.metric.parameters()) == []
    assert [id(p) for p in model.parameters()] == [id(p) for p in model.layers.parameters()]
    assert not any(buffer.requires_grad for buffer in model.metric.buffers())


def test_bfloat16_autocast_gives_the_metrics_float32_value(crops):
    model = Denoiser()
    similar = crops + 1e-3
    expected = model.metric(similar, crops)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(model.metric(similar, crops), expected)
        torch.testing.assert_close(model.metric.map(similar, crops).mean((1, 2, 3)), expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "dtype"),
    [
        ("cpu", torch.bfloat16),
        pytest.param("cuda", torch.float16, marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")),
    ],
)
def test_a_denoiser_gets_better_under_autocast(device, dtype, crops):
    model, crops = Denoiser().to(device), crops.to(device)
    before = state(model.metric)

    def loss_of(clean, noise):
        with torch.autocast(device, dtype=dtype):
            return model(clean, noise)

    train(model, crops, steps=160, loss_of=loss_of, scaler=torch.amp.GradScaler(device, enabled=dtype == torch.float16))
    assert_same(before, model.metric.state_dict())
    assert_learned(model, crops)


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method`:DeprecationWarning")  # inductor's own import
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_the_whole_step_compiles_as_one_graph(backend, crops):
    torch.compiler.reset()
    model = Denoiser()
    compiled = torch.compile(model, fullgraph=True, backend=backend)
    clean, noise = crops[:8], torch.randn(8, 3, 32, 32)
    gradients = []
    for step in (model, compiled):
        model.zero_grad()
        loss = step(clean, noise)
        loss.backward()
        gradients.append([loss.detach(), *(parameter.grad.clone() for parameter in model.parameters())])
    torch.testing.assert_close(*gradients)


def test_checkpointing_gives_the_same_gradients(crops):
    model, clean, noise = Denoiser(), crops[:8], torch.randn(8, 3, 32, 32)
    gradients = []
    for use in (model, lambda *images: checkpoint(model, *images, use_reentrant=False)):
        model.zero_grad()
        use(clean, noise).backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters()])
    torch.testing.assert_close(*gradients, rtol=0, atol=0)


def one_process(rank, folder, crops):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    torch.manual_seed(0)
    model = Denoiser()
    before = state(model.metric)
    parallel = nn.parallel.DistributedDataParallel(model)
    train(model, crops[rank::2], steps=5, loss_of=parallel)
    assert_same(before, model.metric.state_dict())
    torch.save(model.state_dict(), f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_end_with_the_same_network(crops, tmp_path):
    torch.multiprocessing.spawn(one_process, (str(tmp_path), crops), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert_same(first, second)
    torch.manual_seed(0)
    assert not torch.equal(first["layers.0.weight"], Denoiser().layers[0].weight)


INITS = {
    "apply": lambda model, init: model.apply(init),
    "modules": lambda model, init: [init(module) for module in model.modules()],
    "children": lambda model, init: [init(module) for child in model.children() for module in child.modules()],
    "parameters": lambda model, init: [nn.init.normal_(parameter) for parameter in model.parameters()],
    "buffers": lambda model, init: [buffer.zero_() for buffer in model.buffers()],
    "state": lambda model, init: [tensor.zero_() for tensor in model.state_dict().values()],
}


@pytest.mark.parametrize("way", INITS.values(), ids=INITS)
def test_no_initialisation_of_the_model_reaches_the_metric(way, crops):
    model = Denoiser()
    before, distances = state(model.metric), model.metric(crops[:2], crops[2:4])

    def init(module):
        if isinstance(module, nn.Conv2d) or "Conv" in type(module).__name__:
            nn.init.zeros_(module.weight)
            nn.init.ones_(module.bias)
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()

    with torch.no_grad():
        way(model, init)
    assert_same(before, model.metric.state_dict())
    assert torch.equal(model.metric(crops[:2], crops[2:4]), distances)


def test_the_models_checkpoint_neither_has_nor_needs_the_metric(crops):
    model, plain = Denoiser(), Denoiser()
    del plain.metric
    assert model.state_dict().keys() == plain.state_dict().keys()
    before, distances = state(model.metric), model.metric(crops[:2], crops[2:4])
    model.load_state_dict(plain.state_dict(), strict=True)
    plain.load_state_dict(model.state_dict(), strict=True)
    # Checkpoints of models written by earlier versions had the metric's buffers.
    earlier = {f"metric.readout.{name}": torch.zeros(1) for name in ("form", "encoder.conv3.weight")}
    model.load_state_dict(model.state_dict() | earlier, strict=True)
    assert_same(before, model.metric.state_dict())
    assert torch.equal(model.metric(crops[:2], crops[2:4]), distances)


def test_a_model_and_its_metric_are_copied_and_pickled_whole(crops):
    model = Denoiser()
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for again in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        assert torch.equal(again.metric(crops[:2], crops[2:4]), model.metric(crops[:2], crops[2:4]))
        assert again.metric.fingerprint == model.metric.fingerprint
