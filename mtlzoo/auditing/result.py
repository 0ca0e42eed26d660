"""What an audit found, as frames, as a text, as a page and as a file to correct."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pandas as pd

from mtlzoo.auditing.corrections import as_corrections
from mtlzoo.data import LabelTable
from mtlzoo.data.notes import count
from mtlzoo.files import check_output, writing
from mtlzoo.files.spreadsheets import write_csv
from mtlzoo.images.records import files_of

SHOWN = 5  # lines of a frame in a text


@dataclass(frozen=True)
class Audit:
    """What an audit found in a table. `print` shows the most of it.

    Attributes:
        table: The rows that were looked at.
        suspects: Each label that was looked at, the most suspicious first: `row` (as in :func:`mtlzoo.suggest_labels`),
            `image`, `head`, `label` as the table has it, `suggestion`, the likeliest other label, and `suspicion`, 0 to 1;
            above 0.5 the suggestion is likelier than the label. Empty if suspects were not asked for.
        heads: How many labels of each head are likely wrong, as confident learning counts them: `head`, `labels`,
            `likely_wrong`, `fraction`.
        duplicates: Rows that show the same image as another row, groups whose labels contradict each other first: `group`,
            `kind` (`"identical"` bytes or `"near"`), `row`, `image`, `part`, `distance`, `contradictions`.
        leaks: What stands in several parts of the table's split: `kind` (`"identical"`, `"near"` or `"group"`), `group`,
            `parts`, `rows`, `row`, `image`, `part`.
        odd_images: Images that cannot be read, are blank, tiny, huge, long or dark: `row`, `image`, `problem`, `height`,
            `width`.
        coverage: How many rows are labelled for two heads at once, heads by heads; on the diagonal for each alone.
        balance: How often each label occurs: `head`, `label`, `rows`, `fraction`.
        rare_combinations: Pairs of labels of two heads that occur once, the most surprising first: `head`, `label`,
            `other_head`, `other_label`, `expected`, `row`, `image`.
        notes: What was left out, and why, a line each.

    Example:

    ```python
    found = mtl.audit(table)
    found.suspects.head(20)
    found.to_html("audit.html")
    found.to_csv("corrections.csv")  # and a person fills in the column `label`
    table = mtl.apply_corrections(table, "corrections.csv")
    ```
    """

    table: LabelTable = field(repr=False)
    suspects: pd.DataFrame = field(repr=False)
    heads: pd.DataFrame = field(repr=False)
    duplicates: pd.DataFrame = field(repr=False)
    leaks: pd.DataFrame = field(repr=False)
    odd_images: pd.DataFrame = field(repr=False)
    coverage: pd.DataFrame = field(repr=False)
    balance: pd.DataFrame = field(repr=False)
    rare_combinations: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.table.source}: {self.summary()}", *(f"Note: {note}" for note in self.notes)]
        shown = {
            "Likely wrong labels of each head": self.heads,
            "The most suspicious labels": self.suspects,
            "The same image": self.duplicates,
            "In several parts of the split": self.leaks,
            "Odd images": self.odd_images,
            "Combinations that occur once": self.rare_combinations,
        }
        for title, frame in shown.items():
            if len(frame):
                lines = frame if frame is self.heads else frame.head(SHOWN)
                more = f"\n... and {len(frame) - len(lines):,} more" if len(lines) < len(frame) else ""
                parts.append(f"{title}\n{lines.to_string(index=False, float_format='{:.3f}'.format)}{more}")
        return "\n\n".join(parts)

    def summary(self) -> str:
        """One line that counts what was found."""
        images, bad = self.duplicates, self.odd_images["problem"].astype(str).str.startswith("unreadable")
        against = images["group"][images["contradictions"] != ""].nunique()
        found = [f"{len(self.table):,} rows", count(len(self.table.heads), "head")]
        if len(self.suspects):
            found.append(f"{self.heads['likely_wrong'].sum():,} of {len(self.suspects):,} labels are likely wrong")
        found += [count(int(bad.sum()), "unreadable image"), count(int((~bad).sum()), "other odd image")]
        found.append(
            f"{count(images['group'].nunique(), 'image')} in several rows, {against:,} with contradicting labels"
        )
        found.append(count(self.leaks.groupby(["kind", "group"]).ngroups, "leak"))
        return "; ".join(found)

    def to_html(self, path: str | os.PathLike[str], overwrite: bool = False) -> None:
        """Write everything as one page that needs no network: plots, sortable tables, small images.

        Args:
            path: The file.
            overwrite: Whether an existing one may be replaced.

        Raises:
            OutputError: If it is not to be written there.
        """
        from mtlzoo.auditing.page import audit_page

        check_output(path, overwrite=overwrite, inputs=files_of(self.table.paths()))
        with writing(path, overwrite=overwrite) as temporary:
            temporary.write_text(audit_page(self), encoding="utf-8", errors="backslashreplace")

    def to_csv(self, path: str | os.PathLike[str], overwrite: bool = False, limit: int = 1000) -> None:
        """Write cells to be looked at, for a spreadsheet: contradictions first, then labels with a suspicion above 0.5.

        The column `label` is empty. What a person writes there :func:`mtlzoo.apply_corrections` puts into the table;
        `given` is the label that is there now, and `(delete)` removes it.

        Args:
            path: The file.
            overwrite: Whether an existing one may be replaced.
            limit: How many cells at most.

        Raises:
            OutputError: If it is not to be written there.
        """
        check_output(path, overwrite=overwrite, inputs=files_of(self.table.paths()))
        write_csv(path, as_corrections(self.table, self.suspects, self.duplicates, limit), overwrite=overwrite)
