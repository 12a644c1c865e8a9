import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def load_script(monkeypatch):
    """Imports a script by its path from the root, `load_script("training/study/rmse.py")`, anew for each test.

    As when it is run, it can import the scripts beside it; what they share, it shares with them.
    """
    folders = set()

    def load(path):
        script = ROOT / path
        folders.add(script.parent)
        monkeypatch.syspath_prepend(script.parent)
        return importlib.import_module(script.stem)

    yield load
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "").parent in folders:
            del sys.modules[name]
