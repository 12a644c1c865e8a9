import hashlib

import pytest

from perceptmetric.checkpoints import bundled_names, fingerprint, load, save, untrained


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
