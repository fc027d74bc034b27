"""The cache: atomic, checked, bounded, and never in the way."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from mi_hypotheses.cache import Cache, key_of
from mi_hypotheses.errors import CacheError


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def arrays(size: int = 10) -> dict[str, np.ndarray]:
    return {"a": np.arange(size, dtype=np.float32), "b": np.array([1, 2], dtype=np.int64)}


def test_what_is_put_is_got(cache: Cache) -> None:
    assert cache.get(key_of("x")) is None
    assert not cache.has(key_of("x"))
    cache.put(key_of("x"), arrays())
    found = cache.get(key_of("x"))
    assert found is not None
    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in arrays().items()
    }
    assert found["a"].dtype == np.float32


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float32).reshape(4, 3)[:, 1],
        np.arange(12, dtype=np.float64).reshape(4, 3).T,
        np.broadcast_to(np.float32(2), (3,)),
        np.arange(3, dtype=">i4"),
        np.array([True, False]),
        np.arange(3, dtype=np.uint64)[::-1],
        np.empty((0, 3)),
        np.array(3.0),
    ],
)
def test_arrays_come_back_however_they_lie_in_memory(cache: Cache, array: np.ndarray) -> None:
    cache.put(key_of("x"), {"a": array})
    found = cache.get(key_of("x"))
    assert found is not None
    assert found["a"].shape == array.shape
    assert np.array_equal(found["a"], array)
    found["a"][...] = 0  # it is the reader's own


def test_keys_depend_on_every_part_and_on_their_order() -> None:
    keys = {key_of("a", 1), key_of("a", 2), key_of(1, "a"), key_of("a", "1"), key_of("a", [1])}
    assert len(keys) == 5


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty"])
def test_a_damaged_entry_counts_as_absent(cache: Cache, damage: str) -> None:
    cache.put("k" * 40, arrays())
    [path] = cache.entries()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-3] ^= 1
    path.write_bytes({"flip": content, "truncate": content[:40], "empty": b""}[damage])
    assert cache.get("k" * 40) is None
    assert "damaged" in cache.notes[0]
    assert not cache.has("k" * 40)


def test_no_half_written_file_is_left_behind(cache: Cache) -> None:
    cache.put("k" * 40, arrays())
    files = [path for path in cache.directory.rglob("*") if path.is_file()]
    assert files == list(cache.entries())


def test_trim_drops_what_was_used_longest_ago(cache: Cache) -> None:
    for age, name in enumerate("abc"):
        cache.put(name * 40, arrays(1000))
        [path] = cache.directory.glob(f"{name * 2}/*")
        os.utime(path, (1000 - age, 1000 - age))
    assert cache.get("c" * 40) is not None  # used just now, though written first by its time
    cache.limit_bytes = cache.size() * 2 // 3 + 10
    assert cache.trim() > 0
    assert [cache.has(name * 40) for name in "abc"] == [True, False, True]
    assert cache.size() <= cache.limit_bytes
    cache.limit_bytes = 0
    cache.trim()
    assert [cache.has(name * 40) for name in "abc"] == [False, False, True]  # c: another run's


def test_clear_drops_everything(cache: Cache) -> None:
    cache.put("a" * 40, arrays())
    cache.put("b" * 40, arrays())
    assert cache.clear() == 2
    assert cache.size() == 0
    assert cache.get("a" * 40) is None


def test_an_unwritable_cache_goes_on_in_memory_and_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    cache = Cache(blocked / "cache")
    cache.put("a" * 40, arrays())
    cache.put("b" * 40, arrays())
    assert cache.has("a" * 40)
    found = cache.get("a" * 40)
    assert found is not None
    assert found["a"].tolist() == arrays()["a"].tolist()
    assert len(cache.notes) == 1
    assert "goes on in memory" in cache.notes[0]


def test_a_temporary_cache_is_gone_with_its_object() -> None:
    cache = Cache.temporary()
    cache.put("a" * 40, arrays())
    directory = cache.directory
    assert directory.exists()
    del cache
    assert not directory.exists()


def test_what_a_killed_writer_left_is_dropped_after_a_while(cache: Cache) -> None:
    cache.put("k" * 40, arrays())
    [entry] = cache.entries()
    old, new = (entry.with_name(f".{entry.name}.{name}") for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1000, 1000))
    assert cache.trim() == 4
    assert (old.exists(), new.exists(), entry.exists()) == (False, True, True)
    os.utime(new, (1000, 1000))
    assert cache.clear() == 1
    assert not new.exists()


def test_a_directory_that_cannot_be_written_is_not_trimmed_and_not_cleared(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, f"Permission denied, {missing_ok}")

    cache.put("a" * 40, arrays())
    [path] = cache.entries()
    os.utime(path, (1000, 1000))
    cache.limit_bytes = 0
    monkeypatch.setattr(Path, "unlink", refuse)
    assert cache.trim() == 0
    assert cache.has("a" * 40)
    with pytest.raises(CacheError, match="cannot be cleared: Permission denied"):
        cache.clear()


def test_a_temporary_cache_on_a_full_disk_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_options: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    cache = Cache.temporary()
    cache.put("a" * 40, arrays())
    assert cache.get("a" * 40) is not None
    assert cache.trim() == 0
    assert list(cache.entries()) == []


def test_what_another_process_clears_is_made_again(cache: Cache) -> None:
    made: list[int] = []

    def make() -> None:
        made.append(1)
        cache.put("a" * 40, arrays())
        if len(made) < 3:
            Cache(cache.directory).clear()

    assert cache.obtain("a" * 40, make)["b"].tolist() == [1, 2]
    with pytest.raises(CacheError, match="does not keep"):
        cache.obtain("b" * 40, lambda: None)
