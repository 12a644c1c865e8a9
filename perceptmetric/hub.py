"""Checkpoints on the Hugging Face Hub: fetched, described by a model card, pushed.

Cache, token, endpoint and offline mode are whatever the user set for huggingface_hub (`HF_HOME`, `HF_TOKEN`,
`HF_ENDPOINT`, `HF_HUB_OFFLINE`). It is imported only when a repository is named: it would slow every start.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from perceptmetric.errors import InputError
from perceptmetric.files import replacing

CARD_FILE = "README.md"

PAPER = "2508.10450"
"""arXiv number of the study; the Hub links a card that names it with the paper's page."""

CITATION = """\
@inproceedings{hernandezcamara2025images,
  title = {From Images to Perception: Emergence of Perceptual Properties by Reconstructing Images},
  author = {Hern{\\'a}ndez-C{\\'a}mara, Pablo and Malo, Jes{\\'u}s and Laparra, Valero},
  booktitle = {Cognitive Computational Neuroscience (CCN)},
  year = {2025},
  eprint = {2508.10450},
  archivePrefix = {arXiv}
}"""

_LOG_IN = "log in (`hf auth login`) or set HF_TOKEN"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_repository(name: str) -> bool:
    """Whether a name has the form of a Hub repository, `owner/name`.

    Examples:
        >>> is_repository("owner/denoise-0.1"), is_repository("denoise-0.1"), is_repository("./owner/folder")
        (True, False, False)
    """
    return re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name, re.ASCII) is not None


def download(repository: str, files: list[str], revision: str | None = None) -> Path:
    """The folder of the cache that holds files of a repository, all of one commit.

    Args:
        repository: `owner/name`.
        files: what to fetch; one that the repository lacks is not there afterwards.
        revision: branch, tag or commit; `main` where None.

    Raises:
        InputError: the repository cannot be fetched, offline mode is on and the cache lacks it, or a file is not
            the one that was pushed.
    """
    import huggingface_hub

    with _named(repository):
        folder = Path(
            huggingface_hub.snapshot_download(
                repository,
                revision=revision,
                allow_patterns=files,
                library_name="perceptmetric",
                library_version=version("perceptmetric"),
            )
        )
    for file in files:
        _check_content(repository, folder / file)
    return folder


def upload(
    folder: str | Path,
    repository: str,
    *,
    private: bool | None = None,
    branch: str | None = None,
    commit_message: str | None = None,
) -> str:
    """Pushes a folder in one commit and gives the commit's address; the repository is made if need be.

    Args:
        folder: all of its files are pushed.
        repository: `owner/name`.
        private: whether a new repository is private; the owner's default where None.
        branch: `main` where None; it must exist.
        commit_message: huggingface_hub's own where None.

    Raises:
        InputError: not of the form `owner/name`, or the Hub does not take it, for want of a token or else.
    """
    if not is_repository(repository):
        raise InputError(f"repository: found {repository!r}, expected owner/name")
    import huggingface_hub

    api = huggingface_hub.HfApi(library_name="perceptmetric", library_version=version("perceptmetric"))
    with _named(repository):
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository, folder_path=folder, revision=branch, commit_message=commit_message
        )
    return str(commit.commit_url)


def write_card(folder: str | os.PathLike[str], config: dict[str, Any], repository: str | None = None) -> None:
    """Writes `README.md`, the model card, into a checkpoint's folder.

    Args:
        folder: the checkpoint's folder.
        config: the checkpoint's; the card tells no more than this holds.
        repository: `owner/name` for the example of use; the folder's name where None.
    """
    from huggingface_hub import ModelCard, ModelCardData

    folder = Path(folder)
    data = ModelCardData(
        license="mit",
        library_name="perceptmetric",
        tags=["image-quality", "perceptual-metric", "full-reference", "arxiv:" + PAPER],
    )
    with replacing(folder / CARD_FILE) as temporary:
        ModelCard(f"---\n{data.to_yaml()}\n---\n\n{_card_text(config, repository or folder.name)}").save(temporary)


def _card_text(config: dict[str, Any], name: str) -> str:
    sections = [
        f"# {name}",
        "A perceptual distance between images: a PerceptNet autoencoder, a model of the path from retina to V1 with "
        "72,611 parameters. No opinion score was used to train it.",
        "## Use",
        "```python\nfrom perceptmetric import PerceptualDistance\n\n"
        f'metric = PerceptualDistance.from_pretrained("{name}")\n'
        'metric("reference.png", "distorted.png")  # tensor (1,); 0 for identical images\n```',
        "## What trained it",
        _training(config),
        *_scores(config.get("scores", [])),
        "## Citation",
        f"[arXiv {PAPER}](https://arxiv.org/abs/{PAPER})",
        f"```bibtex\n{CITATION}\n```",
    ]
    return "\n\n".join(sections) + "\n"


def _training(config: dict[str, Any]) -> str:
    rows = [
        (f"{key}.{part}", item) if part else (key, item)
        for key in ("objective", "seed", "data", "training", "validation_error")
        for part, item in _parts(config.get(key))
    ]
    if not rows:
        return "Its config does not say."
    return _table(["", ""], [[f"`{name}`", f"`{value}`"] for name, value in rows])


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return [] if value is None else [("", value)]


def _scores(scores: list[dict[str, Any]]) -> list[str]:
    if not scores:
        return []
    columns = list(dict.fromkeys(column for score in scores for column in score))
    rows = [[_cell(score.get(column, "")) for column in columns] for score in scores]
    return ["## Scores", "Agreement with opinion scores, measured by `perceptmetric-bench`.", _table(columns, rows)]


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


@contextmanager
def _named(repository: str) -> Iterator[None]:
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise InputError(f"Hub repository {repository}: gated; ask its owner for access, then log in") from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(
            f"Hub repository {repository}: not found, nor a folder of this name; if it is private, {_LOG_IN}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise InputError(f"Hub repository {repository}: no such revision") from error
    except errors.HfHubHTTPError as error:
        hint = f"; {_LOG_IN}" if error.response.status_code in (401, 403) else ""
        raise InputError(f"Hub repository {repository}: refused ({_reason(error)}){hint}") from error
    except Exception as error:  # the client's and its transport's errors share no base class
        raise InputError(f"Hub repository {repository}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """The first line of what lies behind an error: the client's own text often says no more than that it failed."""
    while error.__cause__ is not None:
        error = error.__cause__
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _check_content(repository: str, path: Path) -> None:
    # The cache names a large file by its SHA-256; the client itself compares no more than the size.
    expected = path.resolve().name
    if _SHA256.fullmatch(expected) and hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise InputError(
            f"Hub repository {repository}: {path.name} is not what was pushed; "
            f"remove {path.resolve()} to download it again"
        )
