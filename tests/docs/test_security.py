import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/.]*)`", PAGE))))
def test_what_is_said_to_be_tested_has_its_tests(path):
    tests = [ROOT / path] if path.endswith(".py") else list((ROOT / path).glob("test_*.py"))
    assert tests
    assert all("def test_" in test.read_text(encoding="utf-8") for test in tests)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(perceptmetric(?:\.\w+)*\.\w+)`", PAGE))))
def test_every_limit_named_exists(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute)
