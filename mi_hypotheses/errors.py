"""Every exception a user can meet, in one tree.

MiHypothesesError
├── UsageError              a command line or a setting that cannot be followed
│   └── UnknownNameError    a name that nothing answers to, with what was probably meant
├── PluginError             a plugin file, module or hook that cannot be used
├── HypothesisError         one hypothesis that cannot be scored; the others go on
│   ├── PredicateError      its predicate failed on a document
│   ├── TargetError         its target failed on a document
│   └── AnnotationError     spaCy annotation that it needs and that cannot be had
├── CorpusError             a corpus that cannot be read
├── ModelError              a model or tokenizer that cannot be loaded or aligned
├── DeviceMemoryError       a device with too little memory for a model
├── CacheError              a cache that cannot be read or written
├── BaselineError           a baseline that cannot be read or written
└── ReportError             a report file that cannot be read or written

The message of each is one plain paragraph: what, where, and how to mend it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MiHypothesesError(Exception):
    """Root of the tree; catching it catches every mistake this package explains."""


class UsageError(MiHypothesesError):
    """A command line or a setting that cannot be followed."""


class UnknownNameError(UsageError):
    """A name that nothing answers to."""


class PluginError(MiHypothesesError):
    """A plugin file, module or hook that cannot be used."""


class HypothesisError(MiHypothesesError):
    """One hypothesis that cannot be scored; the others go on."""


class PredicateError(HypothesisError):
    """A predicate that failed on a document."""


class TargetError(HypothesisError):
    """A target that failed on a document."""


class AnnotationError(HypothesisError):
    """spaCy annotation that a hypothesis needs and that cannot be had."""


class CorpusError(MiHypothesesError):
    """A corpus that cannot be read."""


class ModelError(MiHypothesesError):
    """A model or tokenizer that cannot be loaded or aligned."""


class DeviceMemoryError(MiHypothesesError):
    """A device with too little memory for a model, even for one window at a time."""


class CacheError(MiHypothesesError):
    """A cache that cannot be read or written."""


class BaselineError(MiHypothesesError):
    """A baseline that cannot be read or written."""


class ReportError(MiHypothesesError):
    """A report file that cannot be read or written."""


def did_you_mean(name: str, available: Iterable[str], *, most: int | None = None) -> str:
    """`Did you mean 'x'? Available: a, b, x.`, to end a message about an unknown name.

    At `most` so many are listed.
    """
    names = sorted(available)
    close = difflib.get_close_matches(name, names, n=1)
    more = f" and {len(names) - most} more" if most and len(names) > most else ""
    listed = f"Available: {', '.join(names[:most])}{more}." if names else "None is available."
    return f"Did you mean {close[0]!r}? {listed}" if close else listed


def unknown_name(kind: str, name: str, available: Iterable[str]) -> UnknownNameError:
    """The error for a `name` of this `kind` that nothing answers to, ready to raise."""
    return UnknownNameError(f"There is no {kind} named {name!r}. {did_you_mean(name, available)}")
