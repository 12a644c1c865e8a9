import pytest

from perceptmetric.cli.main import main
from perceptmetric.cli.result import Result
from perceptmetric.cli.verdict import Verdict, annotation


def test_a_result_may_be_watched_without_being_judged(capsys):
    verdict = Verdict("tool", ["denoise"], limit=0.1)
    far = Result("a.png", "b.png", (0.3,))
    assert list(verdict.watch([far], judged=False)) == [far]
    assert (verdict.exit_code, capsys.readouterr().err) == (0, "")
    verdict.judge(far)
    assert verdict.exit_code == 1
    assert capsys.readouterr().err == "tool: b.png: distance 0.300000 is 0.200000 above 0.1\n"


def test_what_is_no_distance_is_above_every_limit():
    verdict = Verdict("tool", ["denoise"], limit=0.1)
    verdict.judge(Result("a.png", "b.png", (float("nan"),)))
    assert verdict.exit_code == 1


def test_a_limit_is_for_at_least_one_pair(capsys):
    for limit, seen, code in ((None, [], 0), (0.1, [(0.05,)], 0), (0.1, [], 2)):
        verdict = Verdict("tool", ["denoise"], limit)
        list(verdict.watch([Result("a.png", "b.png", distances) for distances in seen]))
        verdict.end()
        assert verdict.exit_code == code
    assert capsys.readouterr().err == "tool: --fail-above: found no pair, expected at least one\n"


@pytest.mark.parametrize(
    ("message", "file", "expected"),
    [
        ("far: 50%", None, "::error::far: 50%25"),
        ("far\nway", "a,b:c.png", "::error file=a%2Cb%3Ac.png::far%0Away"),
        ("far", "a\r\n::error::b.png", "::error file=a%0D%0A%3A%3Aerror%3A%3Ab.png::far"),
    ],
)
def test_annotations_are_escaped_as_github_reads_them(message, file, expected):
    assert annotation(message, file) == expected


def test_the_command_annotates_the_pairs_at_fault(pair, capsys):
    reference, distorted = pair
    missing = distorted.replace("blurred", "missing")
    assert main([reference, reference, distorted, missing, "--fail-above", "0.01", "--github"]) == 2
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    above, absent = captured.err.splitlines()
    assert above.startswith(f"::error file={distorted}::{distorted}: distance ")
    assert above.endswith(" above 0.01")
    assert absent.startswith(f"::error file={missing}::{missing}: no such file")
