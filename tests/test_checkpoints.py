import hashlib
import json
from importlib import resources

import pytest
import torch
from safetensors.torch import load_file, save_file

from perceptmetric import Autoencoder, InputError
from perceptmetric.checkpoints import DEFAULT, bundled_names, fingerprint, load, save, untrained
from perceptmetric.training.objectives import OBJECTIVES


def test_the_best_of_each_objective_is_bundled_and_says_how_it_was_made():
    assert bundled_names() == sorted(OBJECTIVES)
    assert DEFAULT == "denoise"
    for name in bundled_names():
        config = load(name)[1]
        assert config["objective"]["name"] == name
        assert config["run"].startswith(name)
        assert config["architecture"] == "perceptnet-autoencoder"
        assert config["data"]["training_images"] == 899
        assert 0 < config["validation_error"] < 0.02
        assert config["training"]["steps"] > 0


def test_a_bundled_checkpoint_is_small():
    for name in bundled_names():
        assert (resources.files("perceptmetric") / "weights" / name / "model.safetensors").stat().st_size < 200_000


def test_half_precision_rounds_the_weights(tmp_path):
    network = Autoencoder()
    save(network, {}, tmp_path, dtype=torch.float16)
    loaded = load(tmp_path)[0]
    for name, weights in loaded.state_dict().items():
        assert weights.dtype == torch.float32
        torch.testing.assert_close(weights, network.state_dict()[name], rtol=1e-3, atol=1e-6)


def test_what_is_saved_is_loaded(tmp_path):
    network = Autoencoder()
    save(network, {"objective": {"name": "reconstruct"}}, tmp_path / "deep" / "er")
    loaded, config = load(tmp_path / "deep" / "er")
    assert config == {"architecture": "perceptnet-autoencoder", "objective": {"name": "reconstruct"}}
    assert not loaded.training
    image = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(loaded(image), network(image), rtol=0, atol=0)


def test_the_untrained_network_depends_on_the_seed_alone():
    state = torch.random.get_rng_state()
    first, again, other = untrained(0), untrained(0), untrained(1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.encoder.conv3.weight, again.encoder.conv3.weight)
    assert not torch.equal(first.encoder.conv3.weight, other.encoder.conv3.weight)
    assert torch.equal(load("untrained")[0].encoder.conv3.weight, first.encoder.conv3.weight)


def test_an_unknown_name_lists_the_known():
    with pytest.raises(InputError, match=r"checkpoint nonesuch: .*\(deblur, denoise, reconstruct, sparse, untrained\)"):
        load("nonesuch")


@pytest.fixture
def folder(tmp_path):
    save(Autoencoder(), {}, tmp_path)
    return tmp_path


def test_a_missing_file_is_named(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"model\.safetensors: no such file"):
        load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json: no such file"):
        load(folder)


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"architecture": "resnet"}), "{}"])
def test_a_config_of_something_else_is_refused(folder, content):
    (folder / "config.json").write_text(content)
    with pytest.raises(InputError, match=r"config\.json: "):
        load(folder)


def test_corrupted_weights_are_refused(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"model\.safetensors: not the weights"):
        load(folder)


def test_weights_of_another_network_are_refused(folder):
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights["encoder.conv3.weight"] = torch.zeros(3, 3)
    save_file(weights, path)
    with pytest.raises(InputError, match=r"model\.safetensors: not the weights .*encoder\.conv3\.weight"):
        load(folder)


@pytest.mark.parametrize("name", bundled_names())
def test_the_fingerprint_is_that_of_a_weights_file_of_single_precision(name, tmp_path):
    network = load(name)[0]
    save(network, {}, tmp_path)
    assert fingerprint(network) == hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()


def test_the_fingerprint_survives_saving_and_tells_weights_apart(tmp_path):
    network = untrained(seed=1)
    save(network, {}, tmp_path)
    assert fingerprint(load(tmp_path)[0]) == fingerprint(network)
    assert fingerprint(network) != fingerprint(untrained(seed=2))
