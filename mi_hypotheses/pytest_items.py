"""The items of pytest that a plugin file is: its hypotheses, their baselines, what is broken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mi_hypotheses.failures import Failed
from mi_hypotheses.pytest_run import ScoredItem, shared_run


class HypothesisFile(pytest.File):
    """A plugin file. What is broken in it is an item that fails, so that the rest still runs."""

    def collect(self) -> Iterator[pytest.Item]:
        from mi_hypotheses.baselines import baseline_path
        from mi_hypotheses.errors import MiHypothesesError

        shared = shared_run(self.config)
        try:
            hypotheses, errors = shared.load(self.path)
        except MiHypothesesError as error:
            raise self.CollectError(str(error)) from None
        for number, message in enumerate(errors, start=1):
            yield self._item(BrokenItem, f"[not loaded {number}]", message=message)
        option = self.config.getoption
        recorded = baseline_path(self.path).exists()
        for hypothesis in hypotheses:
            where = f"{hypothesis.model} {hypothesis.unit}"
            yield self._item(HypothesisItem, f"{hypothesis.name}[{where}]", hypothesis=hypothesis)
            if recorded or option("--mih-update") or option("--mih-update-new"):
                name = f"{hypothesis.name}[{where} baseline]"
                yield self._item(BaselineItem, name, hypothesis=hypothesis)

    def _item(self, kind: type[pytest.Item], name: str, **content: object) -> pytest.Item:
        """An item whose node id is read back from the cache as it is: --lf compares them."""
        nodeid = f"{self.nodeid}::{name}"
        made: pytest.Item = kind.from_parent(self, name=name, nodeid=nodeid, **content)
        return made


class BrokenItem(pytest.Item):
    """What could not be loaded of a plugin file."""

    def __init__(self, *, message: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.message = message

    def runtest(self) -> None:
        raise Failed(self.message)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, Failed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class HypothesisItem(ScoredItem):
    """What a hypothesis expects of its scores."""

    def runtest(self) -> None:
        from mi_hypotheses.failures import as_expected, explained

        failures = []
        for result in self.results:
            prefix = f"{result.corpus}." if len(self.results) > 1 else ""
            for name, score in result.scores.items():
                if score.value is not None:
                    self.user_properties.append((f"{prefix}{name}", round(score.value, 5)))
            if not as_expected(result):
                failures.append(explained(result))
        if failures:
            raise Failed("\n\n".join(failures))


class BaselineItem(ScoredItem):
    """What is recorded of a hypothesis."""

    def runtest(self) -> None:
        from mi_hypotheses.failures import told
        from mi_hypotheses.regression import FAILING, FAILING_WHEN_STRICT

        strict = self.config.getoption("--mih-strict")
        failing = FAILING_WHEN_STRICT if strict else FAILING
        compared = shared_run(self.config).compared(self.session, self.hypothesis)
        for each in compared:
            self.user_properties.append((f"{each.corpus}.baseline", each.state))
        failures = [told(each) for each in compared if each.state in failing]
        if failures:
            raise Failed("\n\n".join(failures))
