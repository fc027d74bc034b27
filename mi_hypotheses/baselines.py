"""Baselines: what was measured of the hypotheses of a plugin file, kept beside it.

`plugins/heads.py` has `plugins/__baselines__/heads.json`: sorted, rounded, one line for each number
that can change alone, so that a version control system shows what moved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mi_hypotheses.errors import BaselineError
from mi_hypotheses.regression import Comparison, Measured, check
from mi_hypotheses.reports import write_atomically

SCHEMA_VERSION = 1
DIRECTORY = "__baselines__"
DIGITS = 5


def baseline_path(plugin: Path) -> Path:
    """Where the baseline of a plugin file lies."""
    return plugin.parent / DIRECTORY / f"{plugin.stem}.json"


def read_baseline(path: Path) -> list[Measured]:
    """What is recorded in a file; nothing where there is none.

    Raises:
        BaselineError: it cannot be read, is damaged, or was written by a newer version.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BaselineError(f"The baseline {path} cannot be read: {error}.") from None
    try:
        content = json.loads(text)
        version = content["schema_version"]
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise BaselineError(
                f"The baseline {path} has schema version {version}, and this version of "
                f"mi_hypotheses reads up to {SCHEMA_VERSION}. Install a newer one."
            )
        return [
            Measured.model_validate({**_unpacked(entry), "name": name, "corpus": corpus})
            for name, by_corpus in content["hypotheses"].items()
            for corpus, entry in by_corpus.items()
        ]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _damaged(path, f"{first['msg']} at {where}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, str(error) or type(error).__name__) from None


def _damaged(path: Path, problem: str) -> BaselineError:
    return BaselineError(
        f"The baseline {path} is damaged ({problem}). Restore it from version control, or record "
        "it anew: delete the file and run 'mih check --update-new'."
    )


def write_baseline(path: Path, recorded: Iterable[Measured]) -> None:
    """Write what is recorded, all or nothing; a file with nothing to record is deleted.

    Raises:
        BaselineError: the file cannot be written.
    """
    text = _text(recorded)
    try:
        if text:
            write_atomically(path, text)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BaselineError(f"The baseline {path} cannot be written: {reason}.") from None


def _text(recorded: Iterable[Measured]) -> str:
    """The content of a file; "" where there is nothing to record."""
    hypotheses: dict[str, dict[str, Any]] = {}
    for each in recorded:
        hypotheses.setdefault(each.name, {})[each.corpus] = _packed(each)
    if not hypotheses:
        return ""
    content = {"schema_version": SCHEMA_VERSION, "hypotheses": hypotheses}
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _packed(each: Measured) -> dict[str, Any]:
    """An entry as it is written: rounded, and a line for the replicates of a metric."""
    entry = each.model_dump(mode="json", exclude={"name", "corpus", "source"})
    entry["scores"] = {
        name: {key: _rounded(value) for key, value in score.items()}
        for name, score in entry["scores"].items()
    }
    entry["replicates"] = {
        name: " ".join("-" if value is None else _short(value) for value in values)
        for name, values in entry["replicates"].items()
    }
    return entry


def _unpacked(entry: dict[str, Any]) -> dict[str, Any]:
    replicates = {
        name: tuple(None if word == "-" else float(word) for word in text.split())
        for name, text in entry["replicates"].items()
    }
    return {**entry, "replicates": replicates}


def _short(value: float) -> str:
    """`.6123`: there are hundreds of them."""
    return f"{value:.{DIGITS - 1}g}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.4g}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


@dataclass
class Baselines:
    """The baselines of some plugin files.

    Args:
        plugins: the plugin file of each hypothesis that is checked, by the hypothesis' name.
        whole: whether these are all hypotheses of their files, on all of their corpora; only
            then is something recorded that is not found `stale`.
    """

    plugins: Mapping[str, Path]
    whole: bool
    recorded: dict[Path, list[Measured]] = field(default_factory=dict)
    damaged: dict[Path, str] = field(default_factory=dict)  # file → what is wrong with it

    def __post_init__(self) -> None:
        for path in sorted({baseline_path(plugin) for plugin in self.plugins.values()}):
            try:
                self.recorded[path] = read_baseline(path)
            except BaselineError as error:
                self.damaged[path] = str(error)

    def _by_file(self, found: Iterable[Measured]) -> dict[Path, list[Measured]]:
        by_file: dict[Path, list[Measured]] = {path: [] for path in self.recorded}
        for each in found:
            by_file.setdefault(baseline_path(self.plugins[each.name]), []).append(each)
        return by_file

    def check(
        self,
        found: Iterable[Measured],
        *,
        margins: Mapping[str, float] | None = None,
        recording: bool = False,
    ) -> list[Comparison]:
        """What was found against what is recorded; what a damaged file recorded is an error.

        Where the caller is `recording` it with `update`, what was missing says so.
        """
        made: list[Comparison] = []
        for path, members in self._by_file(found).items():
            if path in self.damaged:
                made += [
                    Comparison(each.name, each.corpus, "error", (self.damaged[path],), after=each)
                    for each in members
                ]
                continue
            asked = {(each.name, each.corpus) for each in members}
            recorded = self.recorded[path]
            if not self.whole:
                recorded = [each for each in recorded if (each.name, each.corpus) in asked]
            made += check(recorded, members, margins=margins, recording=recording)
        return made

    def update(self, found: Iterable[Measured], *, only_new: bool) -> list[Path]:
        """Record what was found, errors left out; the files that changed.

        `only_new` keeps all that is recorded already; otherwise what is found replaces it, and
        what is stale goes. Damaged files stay as they are.

        Raises:
            BaselineError: a file cannot be written.
        """
        written = []
        for path, members in self._by_file(found).items():
            if path in self.damaged:
                continue
            before = self.recorded[path]
            old = {(each.name, each.corpus): each for each in before}
            good = [each for each in members if each.verdict.status != "error"]
            new = {
                (each.name, each.corpus): _on_device(each, old.get((each.name, each.corpus)))
                for each in good
            }
            failed = {(each.name, each.corpus) for each in members} - set(new)
            if only_new:
                kept = {**new, **old}
            elif self.whole:
                kept = {**{key: each for key, each in old.items() if key in failed}, **new}
            else:
                kept = {**old, **new}
            if _text(kept.values()) != _text(before):
                write_baseline(path, kept.values())
                written.append(path)
        return written


def _on_device(each: Measured, old: Measured | None) -> Measured:
    """A measurement that was all cached has the device of the one before, if that was the same."""
    if old is None or each.device:
        return each
    if (old.model_fingerprint, old.dtype) != (each.model_fingerprint, each.dtype):
        return each
    return each.model_copy(update={"device": old.device})
