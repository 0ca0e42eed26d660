"""The closing lines of a test run: what was not run, and why, so that nothing is left out without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from typing import Any

import pytest

DESELECTED = pytest.StashKey[Counter]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[DESELECTED] = Counter()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        kind = "integration" if item.get_closest_marker("integration") else "unit"
        item.config.stash[DESELECTED][f"{kind} tests{', slow' * bool(item.get_closest_marker('slow'))}"] += 1


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):  # a process of xdist, whose main process reports
        session.config.workeroutput["deselected"] = dict(session.config.stash[DESELECTED])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # Every worker has collected everything, so that one of them says it for all.
    if found := getattr(node, "workeroutput", {}).get("deselected"):
        node.config.stash[DESELECTED] = Counter(found)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> Generator[None, None, None]:
    yield  # after all that pytest and its plugins have to say
    skipped = {report.nodeid: report for report in terminalreporter.stats.get("skipped", [])}
    reasons: dict[str, list[str]] = {}
    for nodeid, report in skipped.items():
        reasons.setdefault(_reason(report), []).append(nodeid.partition("::")[0])
    deselected = config.stash[DESELECTED]
    terminalreporter.section("not run")
    for kind, count in sorted(deselected.items()):
        terminalreporter.line(f"{count:5}  {kind}: not asked for")
    for reason, files in sorted(reasons.items()):
        terminalreporter.line(f"{len(files):5}  {reason}: {', '.join(sorted(set(files)))}")
    if not deselected and not reasons:
        terminalreporter.line("    0  everything was run")


def _reason(report: Any) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
