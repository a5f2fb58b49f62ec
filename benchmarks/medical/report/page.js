"use strict";
// Without this script tables keep their first order, and images are enlarged as well.

function value(cell) {
  const text = cell.textContent.trim();
  if (text.startsWith("\u221e")) return Infinity;
  const number = /^\u2264?\s*(-?[\d,]*\.?\d+)/.exec(text);
  return number ? Number(number[1].replaceAll(",", "")) : text.length > 1 ? text : null;
}

// Numbers, then words; what says nothing is last either way.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (typeof a === "number" ? (a === b ? 0 : a - b) : a.localeCompare(b));
}

function sort(table, first, column, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...first];
  if (direction !== "none") {
    const values = new Map(rows.map((row) => [row, value(row.cells[column])]));
    rows.sort((a, b) => compare(values.get(a), values.get(b), sign));
  }
  table.tBodies[0].append(...rows);
}

const NEXT = { none: "descending", descending: "ascending", ascending: "none" };

for (const table of document.querySelectorAll("table")) {
  const first = [...table.tBodies[0].rows];
  const headings = [...table.tHead.rows[0].cells];
  if (first.length < 2) continue;
  headings.forEach((heading, column) => {
    if (!first.some((row) => row.cells[column].textContent.trim())) return;
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const direction = NEXT[heading.getAttribute("aria-sort") ?? "none"];
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      if (direction !== "none") heading.setAttribute("aria-sort", direction);
      sort(table, first, column, direction);
    });
  });
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.querySelector(".zoom:target")) {
    location.hash = "_";
  }
});

// Paper has no folds to open.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
});
