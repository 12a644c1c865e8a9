"""The README's figures are the committed results, and its commands name files that are there."""

import json
import re
import shlex
from pathlib import Path

from perceptmetric.checkpoints import bundled_names

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
RESULTS = ROOT / "benchmarks" / "results" / "tid2013-replica"


def results(checkpoint):
    content = json.loads((RESULTS / f"{checkpoint}.json").read_text())
    assert (content["dataset"], content["pairs"], content["checkpoint"]) == ("TID2013 replica", 3000, checkpoint)
    return {result["stage"]: result for result in content["results"]}


def test_every_row_of_the_table_is_a_committed_result():
    rows = re.findall(r"^\| .*`(.+?)`.* \| (\S+) \| (\S+) to (\S+) \|$", README, re.MULTILINE)
    assert {name for name, *_ in rows} == {"untrained", *bundled_names()}
    for name, *figures in rows:
        result = results(name)["gdn4"]
        assert figures == [f"{value:.3f}" for value in (result["srocc"], *result["ci95"])]


def test_the_input_row_is_the_protocols():
    for name in ("untrained", *bundled_names()):
        assert abs(results(name)["input"]["srocc"] - 0.679) <= 0.002


def test_the_first_command_names_files_of_the_package():
    command = re.findall(r"^```bash\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)[0]
    paths = [word for word in shlex.split(command) if word.startswith("perceptmetric/samples/")]
    assert len(paths) == 2
    assert all((ROOT / path).is_file() for path in paths)


def test_every_local_link_leads_somewhere():
    for link in re.findall(r"\]\((?!https?:)(.+?)\)", README):
        assert (ROOT / link).exists(), link
