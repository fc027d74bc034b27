"""`python -m benchmarks.peak COMMAND...`: run a command; its seconds, peak memory and exit code.

It is a process of its own because a child's peak memory begins with that of the process it was
forked from: this one is small, the benchmarks are not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

KIBIBYTE = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in


def main() -> None:
    """Print one JSON object, the command's output going to stderr."""
    began = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    print(
        json.dumps(
            {
                "seconds": time.perf_counter() - began,
                "peak_bytes": usage.ru_maxrss * KIBIBYTE,
                "code": os.waitstatus_to_exitcode(status),
            }
        )
    )


if __name__ == "__main__":
    main()
