import dataclasses
import math
from pathlib import Path

import pytest

from perceptmetric import InputError
from perceptmetric.checkpoints import bundled_names, load
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


STUDY = {
    "reconstruct": Reconstruct(),
    **{f"denoise-{sigma:g}": Denoise(sigma) for sigma in (0.01, 0.025, 0.05, 0.1, 0.2, 0.4)},
    **{f"deblur-{sigma:g}": Deblur(sigma) for sigma in (0.5, 1, 1.5, 2, 3, 4)},
    **{f"sparse-{weight:g}": Sparse(weight) for weight in (0.001, 0.01, 0.03, 0.1, 0.3, 1)},
}


def test_the_shipped_recipes_are_the_study_and_differ_in_the_objective_alone():
    recipes = {path.stem: read_recipe(path) for path in RECIPES.glob("*.toml")}
    assert {name: recipe.objective for name, recipe in recipes.items()} == STUDY
    common = recipes["reconstruct"]
    assert (common.batch, common.optimizer, common.bfloat16, common.compile) == (16, "soap", True, True)
    assert {dataclasses.replace(recipe, objective=Reconstruct()) for recipe in recipes.values()} == {common}


def test_the_papers_settings_are_a_base(written):
    recipe = read_recipe(written(f"base = {str(RECIPES / 'settings' / 'paper.toml')!r}\n" + GOOD))
    assert (recipe.crop, recipe.resize, recipe.batch, recipe.learning_rate) == (256, True, 128, 5e-4)
    assert recipe.steps == math.ceil(161_640 / 128 * 80)


def test_a_recipe_goes_over_its_base_and_the_seed_given_over_both(written, tmp_path):
    (tmp_path / "base.toml").write_text("steps = 7\nbatch = 3\nseed = 1\n[objective]\nname = 'reconstruct'\n")
    path = written('base = "base.toml"\nbatch = 4\n' + GOOD)
    assert read_recipe(path) == Recipe(Denoise(0.1), steps=7, batch=4, seed=1)
    assert read_recipe(path, seed=5).seed == 5


@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("1", "recipe.toml: base: found 1, expected the path"),
        ("'none.toml'", "none.toml: no such file"),
        ("'recipe.toml'", "recipe.toml: found itself among its bases"),
    ],
)
def test_a_wrong_base_is_named(base, problem, written):
    with pytest.raises((InputError, FileNotFoundError), match=problem):
        read_recipe(written(f"base = {base}\n" + GOOD))


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
        ("stepz = 1\n" + GOOD, "found stepz, expected only base, batch, "),
        ("steps = 1.5\n" + GOOD, "steps: found 1.5, expected a number of type int"),
        ("batch = 0\n" + GOOD, "batch: found 0, expected a positive number"),
        ("seed = -1\n" + GOOD, "seed: found -1, expected a non-negative number"),
        ("compile = 1\n" + GOOD, "compile: found 1, expected true or false"),
        ("optimizer = 'sgd'\n" + GOOD, "optimizer: found 'sgd', expected one of adam, soap"),
        ("learning_rate = true\n" + GOOD, "learning_rate: found True, expected a number of type float"),
    ],
)
def test_a_wrong_recipe_is_named_with_its_key(text, problem, written):
    with pytest.raises(InputError, match=r"recipe\.toml: .*" + problem):
        read_recipe(written(text))


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.toml: no such file"):
        read_recipe(tmp_path / "none.toml")


@pytest.mark.parametrize("name", bundled_names())
def test_the_recipes_of_the_bundled_checkpoints_are_those_that_made_them(name):
    config = load(name)[1]
    recipe = read_recipe(RECIPES / f"{config['run'].rpartition('-seed')[0]}.toml").as_dict()
    assert config["objective"] == recipe.pop("objective")
    assert config["seed"] == recipe.pop("seed")
    assert {key: config["training"][key] for key in recipe} == recipe
