"""How long it takes until something can be done."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def benchmark_startup(rounds: int = 3) -> list[dict[str, str | float]]:
    """Measures the seconds of whole processes, the bare interpreter's taken away, and whether they load TensorFlow.

    Args:
        rounds: How often each runs, in turns; medians are reported.

    Returns:
        One row a way: `way`, `seconds` and `loads_tensorflow`.
    """
    tell = "import sys; print('tensorflow' in sys.modules)"
    help_page = (
        "import contextlib, io, mtlzoo.cli.main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    mtlzoo.cli.main.main(['--help'])"
    )
    quiet = "import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'"
    programs = {
        "nothing": tell,
        "import mtlzoo": f"import mtlzoo\n{tell}",
        "mtlzoo --help": f"{help_page}\n{tell}",
        "import mtlzoo; mtlzoo.build": f"{quiet}\nimport mtlzoo; mtlzoo.build\n{tell}",
    }
    seconds: dict[str, list[float]] = {way: [] for way in programs}
    loads = {}
    for _ in range(rounds):
        for way, program in programs.items():
            start = time.perf_counter()
            result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
            seconds[way].append(time.perf_counter() - start)
            loads[way] = result.stdout.split()[-1] == "True"
    nothing = seconds.pop("nothing")
    return [
        {
            "way": way,
            "seconds": round(statistics.median(own - bare for own, bare in zip(values, nothing)), 3),
            "loads_tensorflow": loads[way],
        }
        for way, values in seconds.items()
    ]
