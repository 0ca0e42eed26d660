// A click on a heading sorts its table: numbers from the largest, text from the first letter; a second click turns it round.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const first = [...body.rows];
  for (const heading of table.tHead.rows[0].cells) {
    heading.querySelector("button")?.addEventListener("click", () => {
      const place = heading.cellIndex;
      const numeric = first.some((row) => row.cells[place].dataset.value);
      const before = heading.getAttribute("aria-sort");
      const rising = before ? before === "descending" : !numeric;
      const key = (row) => {
        const cell = row.cells[place];
        if (!numeric) return cell.textContent;
        return cell.dataset.value ? Number(cell.dataset.value) : null;
      };
      const compare = (one, other) => {
        const [a, b] = [key(one), key(other)];
        if (a === null || b === null) return (a === null) - (b === null);  // missing ones are last, whichever way
        const order = numeric ? a - b : a.localeCompare(b, undefined, { numeric: true });
        return rising ? order : -order;
      };
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
      body.append(...[...first].sort(compare));
    });
  }
}
