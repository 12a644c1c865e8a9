from pathlib import Path

import pytest

from perceptmetric import InputError
from perceptmetric.training.objectives import Deblur, Denoise, Reconstruct, Sparse
from perceptmetric.training.recipe import Recipe, read_recipe

RECIPES = Path(__file__).parents[2] / "training" / "recipes"


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "recipe.toml"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("table", "objective"),
    [
        ('name = "reconstruct"', Reconstruct()),
        ('name = "denoise"\nsigma = 0.1', Denoise(0.1)),
        ('name = "deblur"\nsigma = 1', Deblur(1)),
        ('name = "sparse"\nweight = 0.01', Sparse(0.01)),
    ],
)
def test_all_four_objectives_are_read(table, objective, written):
    recipe = read_recipe(written(f"steps = 7\nseed = 3\n[objective]\n{table}\n"))
    assert recipe == Recipe(objective, steps=7, seed=3)
    assert recipe.as_dict()["objective"]["name"] == objective.name


@pytest.mark.parametrize("name", ["reconstruct", "denoise-0.1"])
def test_the_shipped_recipes_are_read(name):
    assert (
        read_recipe(RECIPES / f"{name}.toml").objective
        == {"reconstruct": Reconstruct(), "denoise-0.1": Denoise(0.1)}[name]
    )


GOOD = '[objective]\nname = "denoise"\nsigma = 0.1\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("steps =", "Invalid value"),
        ("", "objective: found None, expected a table whose name is one of reconstruct, denoise, deblur, sparse"),
        ('[objective]\nname = "guess"', "objective: found .*guess"),
        ('[objective]\nname = "denoise"', r"objective denoise: found \[\], expected the parameters \['sigma'\]"),
        ('[objective]\nname = "denoise"\nsigma = "big"', "objective.sigma: found 'big', expected a number"),
        ('[objective]\nname = "denoise"\nsigma = -1', "objective.sigma: found -1, expected a positive number"),
        ('[objective]\nname = "deblur"\nsigma = nan', "objective.sigma: found nan, expected a positive number"),
        ("stepz = 1\n" + GOOD, "found stepz, expected only batch, "),
        ("steps = 1.5\n" + GOOD, "steps: found 1.5, expected a number of type int"),
        ("batch = 0\n" + GOOD, "batch: found 0, expected a positive number"),
        ("seed = -1\n" + GOOD, "seed: found -1, expected a non-negative number"),
        ("compile = 1\n" + GOOD, "compile: found 1, expected true or false"),
        ("learning_rate = true\n" + GOOD, "learning_rate: found True, expected a number of type float"),
    ],
)
def test_a_wrong_recipe_is_named_with_its_key(text, problem, written):
    with pytest.raises(InputError, match=r"recipe\.toml: .*" + problem):
        read_recipe(written(text))


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.toml: no such file"):
        read_recipe(tmp_path / "none.toml")
