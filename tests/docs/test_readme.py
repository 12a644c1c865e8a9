"""The README's figures are the committed results, and its commands name files that are there."""

import json
import re
import shlex
from pathlib import Path

from perceptmetric.checkpoints import bundled_names, fingerprint, load

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
RESULTS = ROOT / "benchmarks" / "results" / "tid2013-replica"


def results(name, checkpoint):
    content = json.loads((RESULTS / f"{name}.json").read_text())
    assert (content["dataset"], content["pairs"], content["checkpoint"]) == ("TID2013 replica", 3000, checkpoint)
    if checkpoint:
        assert content["checkpoint_sha256"] == fingerprint(load(checkpoint)[0])
    return {result["stage"]: result for result in content["results"]}


def test_every_row_of_the_table_is_a_committed_result():
    rows = re.findall(
        r"^\| .*`(.+?)`.* \| (\S+) \| (\S+) to (\S+) \| (\S+) \| (\S+) to (\S+) \|$", README, re.MULTILINE
    )
    assert {name for name, *_ in rows} == {"untrained", *bundled_names()}
    for name, *figures in rows:
        found = results(f"{name}-default", name)[None], results(name, name)["gdn4"]
        assert figures == [f"{value:.3f}" for result in found for value in (result["srocc"], *result["ci95"])]


def test_the_hand_made_metrics_are_committed_results():
    quoted = re.search(r"Hand-made metrics on the same pairs, .*?\): (.*?)\. The", README, re.DOTALL)[1]
    figures = re.findall(r"(\S+)\s(0\.\d{3})", quoted)
    assert {"VSI", "MDSI", "HaarPSI", "FSIMc"} <= {name for name, _ in figures}
    for name, figure in figures:
        assert figure == f"{results(f'peers/{name.lower()}', None)[None]['srocc']:.3f}"


def test_the_input_row_is_the_protocols():
    for name in ("untrained", *bundled_names()):
        assert abs(results(name, name)["input"]["srocc"] - 0.679) <= 0.002


def test_the_ablation_is_in_the_documentation_as_measured():
    content = json.loads((RESULTS / "ablation.json").read_text())
    assert content["checkpoint_sha256"] == fingerprint(load(content["checkpoint"])[0])
    page = (ROOT / "docs" / "explanation" / "metric.md").read_text()
    for row in content["results"]:
        figures = " | ".join(f"{row[key]:.3f}" for key in ("first", "others"))
        assert f"| {row['ingredients']} | {row['srocc']:.3f} | " in page
        assert f" | {figures} |\n" in page


def test_the_first_command_names_files_of_the_package():
    command = re.findall(r"^```bash\n(.*?)\n```$", README, re.MULTILINE | re.DOTALL)[0]
    paths = [word for word in shlex.split(command) if word.startswith("perceptmetric/samples/")]
    assert len(paths) == 2
    assert all((ROOT / path).is_file() for path in paths)


def test_every_local_link_leads_somewhere():
    for link in re.findall(r"\]\((?!https?:)(.+?)\)", README):
        assert (ROOT / link).exists(), link
