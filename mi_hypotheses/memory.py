"""Running out of memory: how it is told from other failures, and how room is made again."""

from __future__ import annotations

import ctypes
import gc
import sys
from functools import lru_cache
from typing import Any

# What torch says where it raises a plain RuntimeError: on the CPU, on MPS, and from cuBLAS.
_SAID = ("not enough memory", "can't allocate memory", "out of memory", "ALLOC_FAILED")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a computation failed because the device had too little memory."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _SAID)


def first_line(error: BaseException) -> str:
    """What the error says, without the advice that follows."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def make_room(device: str) -> None:
    """Give back what a failed computation held on the device; call it outside of `except`, which
    keeps the tensors of the failed frames alive."""
    import torch

    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device.startswith("mps"):
        torch.mps.empty_cache()


def give_back() -> None:
    """Give the system what was freed of the processor's memory.

    glibc keeps it, and as batches come in many sizes, what it keeps grows for as long as a run
    lasts: by a quarter over five million tokens.
    """
    if trim := _trim():
        trim(0)


@lru_cache(maxsize=1)
def _trim() -> Any:
    """glibc's `malloc_trim`, None where there is another C library."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
