"""The cache: arrays by fingerprint, written atomically, checked when read.

Keys are hashes of everything that determines the content, never names. An entry that is
damaged counts as absent. Where the directory cannot be written (read-only, full disk), entries
are kept in memory for the rest of the process and nothing is lost.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import numpy as safetensors

from mi_hypotheses.errors import CacheError
from mi_hypotheses.reports import write_atomically

Arrays = Mapping[str, NDArray[Any]]

_DIGEST_SIZE = 16
_VERSION = 2
_ATTEMPTS = 3
DEFAULT_LIMIT = 5 * 2**30
SPARED_SECONDS = 3600


def key_of(*parts: object) -> str:
    """A key: the hash of these JSON-able parts."""
    text = json.dumps([_VERSION, *parts], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def default_directory() -> Path:
    """Where this platform keeps caches, e.g. `~/.cache/mi_hypotheses`."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("mi_hypotheses", appauthor=False))


@dataclass
class Cache:
    """Entries of named arrays under `directory`, at most `limit_bytes` after `trim`.

    `notes` holds what went wrong with the directory, one sentence each.
    """

    directory: Path
    limit_bytes: int = DEFAULT_LIMIT
    notes: list[str] = field(default_factory=list)
    _memory: dict[str, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def temporary(cls) -> Cache:
        """A cache that is gone with this object, at the latest when the process ends."""
        try:
            directory = tempfile.mkdtemp(prefix="mih-")
        except OSError:  # a full disk
            return cls(Path(os.devnull))  # nothing can be written there, so all stays in memory
        made = cls(Path(directory))
        weakref.finalize(made, shutil.rmtree, directory, ignore_errors=True)
        return made

    def _path(self, key: str) -> Path:
        return self.directory / key[:2] / f"{key}.arrays"

    def has(self, key: str) -> bool:
        """Whether there is an entry, damaged or not; cheap."""
        return key in self._memory or self._path(key).exists()

    def get(self, key: str) -> dict[str, NDArray[Any]] | None:
        """The arrays of an entry, or None where there is none or it is damaged."""
        content = self._memory.get(key)
        if content is None:
            path = self._path(key)
            try:
                content = path.read_bytes()
                if os.access(path, os.W_OK):
                    os.utime(path)  # what was used last is dropped last
            except OSError:
                return None
        digest, body = content[:_DIGEST_SIZE], content[_DIGEST_SIZE:]
        if hashlib.blake2b(body, digest_size=_DIGEST_SIZE).digest() != digest:
            self.notes.append(f"the damaged cache entry {self._path(key)} was made anew")
            self._memory.pop(key, None)
            with contextlib.suppress(OSError):
                self._path(key).unlink(missing_ok=True)
            return None
        return dict(safetensors.load(body))

    def obtain(self, key: str, make: Callable[[], object]) -> dict[str, NDArray[Any]]:
        """The arrays of an entry; where there is none, or it is damaged, `make` puts it first.

        Raises:
            CacheError: the entry is not there even then.
        """
        arrays = self.get(key)
        for _ in range(_ATTEMPTS):  # more than one, as another process may clear the cache
            if arrays is not None:
                break
            make()
            arrays = self.get(key)
        if arrays is None:
            raise CacheError(
                f"The cache {self.directory} does not keep what is written to it. Clear "
                "it with 'mih cache clear', or choose another place with --cache-dir."
            )
        return arrays

    def put(self, key: str, arrays: Arrays) -> None:
        """Write an entry; other processes see all of it or nothing."""
        # It takes the memory behind an array as it lies there.
        body = safetensors.save({name: np.asarray(a, order="C") for name, a in arrays.items()})
        content = hashlib.blake2b(body, digest_size=_DIGEST_SIZE).digest() + body
        try:
            write_atomically(self._path(key), content)
        except OSError as error:
            if not self._memory:
                self.notes.append(
                    f"the cache {self.directory} cannot be written ({error.strerror}): this "
                    "run goes on in memory; choose another place with --cache-dir"
                )
            self._memory[key] = content

    def entries(self) -> Iterator[Path]:
        """The files of all entries."""
        return self.directory.glob("??/*.arrays")

    def size(self) -> int:
        """Bytes on disk."""
        return sum(_size(path) for path in self.entries())

    def trim(self) -> int:
        """Drop the entries used longest ago until the limit holds; returns bytes dropped.

        What was used within `SPARED_SECONDS` stays: another run may be about to read it.
        """
        half_written = self._drop_half_written()
        spared = time.time_ns() - SPARED_SECONDS * 10**9
        found = self._stats(self.entries())
        stats = [(stat.st_mtime_ns, stat.st_size, path) for path, stat in found]
        excess = sum(size for _, size, _ in stats) - self.limit_bytes
        known = sorted(entry for entry in stats if entry[0] < spared)
        dropped = 0
        for _, size, path in known:
            if dropped >= excess:
                break
            with contextlib.suppress(OSError):  # in a directory that is read only
                path.unlink(missing_ok=True)
                dropped += size
        return dropped + half_written

    def clear(self) -> int:
        """Drop all entries; returns their number.

        Raises:
            CacheError: the directory cannot be written.
        """
        self._drop_half_written()
        paths = list(self.entries())
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise CacheError(
                    f"The cache {self.directory} cannot be cleared: {error.strerror}."
                ) from None
        self._memory.clear()
        return len(paths)

    def _drop_half_written(self) -> int:
        """Drop what writers left that were killed; returns bytes dropped.

        What is newer than `SPARED_SECONDS` may be of one that still writes.
        """
        spared, dropped = time.time_ns() - SPARED_SECONDS * 10**9, 0
        for path, stat in self._stats(self.directory.glob("??/.*.arrays.*")):
            if stat.st_mtime_ns < spared:
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
                    dropped += stat.st_size
        return dropped

    def _stats(self, paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
        for path in paths:
            try:
                yield path, path.stat()
            except OSError:  # another process dropped it
                continue


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
