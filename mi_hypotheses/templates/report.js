"use strict";
// Filtering and sorting only; without this script the page shows everything.
const rows = [...document.querySelectorAll("table.overview tbody tr")];
const buttons = [...document.querySelectorAll("button[data-filter]")];
const find = document.querySelector(".find");
const input = find.querySelector("input");

function refresh() {
  const wanted = buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.filter);
  const text = input.value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = (!wanted.length || wanted.includes(row.dataset.status)) &&
      row.textContent.toLowerCase().includes(text);
    row.hidden = !fits;
    document.querySelector(`article[data-anchor="${row.dataset.anchor}"]`).hidden = !fits;
    shown += fits;
  }
  for (const section of document.querySelectorAll("section.hypothesis"))
    section.hidden = !section.querySelector("article:not([hidden])");
  find.querySelector("output").textContent = shown < rows.length ? `${shown} of ${rows.length}` : "";
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    refresh();
  });
}
input.addEventListener("input", refresh);
find.hidden = !rows.length;
document.documentElement.classList.add("live");

function sortBy(header) {
  const column = header.cellIndex;
  const key = (row) => row.cells[column].dataset.key;
  const order = header.getAttribute("aria-sort");
  const falling = order ? order === "ascending" : header.hasAttribute("data-number");
  for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const body = header.closest("table").tBodies[0];
  const ordered = [...body.rows].sort((a, b) => {
    const [x, y] = falling ? [key(b), key(a)] : [key(a), key(b)];
    if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
    return x - y || x.localeCompare(y, undefined, { numeric: true });
  });
  body.append(...ordered);
}

for (const header of document.querySelectorAll("table.overview th[scope=col]")) {
  header.tabIndex = 0;
  header.addEventListener("click", () => sortBy(header));
  header.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      sortBy(header);
    }
  });
}
