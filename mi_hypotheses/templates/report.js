"use strict";
// Filtering and sorting only; without this script the page shows everything.
const articles = [...document.querySelectorAll("article[data-status]")];
const marked = new Map(articles.map((article) => [article.dataset.anchor, []]));
for (const element of document.querySelectorAll("[data-anchor]")) marked.get(element.dataset.anchor).push(element);
const buttons = [...document.querySelectorAll("button[data-filter]")];
const find = document.querySelector(".find");
const input = find.querySelector("input");

function refresh() {
  const wanted = buttons.filter((b) => b.getAttribute("aria-pressed") === "true").map((b) => b.dataset.filter);
  const text = input.value.trim().toLowerCase();
  const shown = new Set();
  for (const article of articles) {
    const fits = (!wanted.length || wanted.includes(article.dataset.status)) &&
      article.dataset.find.toLowerCase().includes(text);
    if (fits) shown.add(article.dataset.anchor);
    for (const element of marked.get(article.dataset.anchor)) element.hidden = !fits;
  }
  for (const series of document.querySelectorAll("[data-series]"))
    series.hidden = !series.dataset.series.split(" ").some((anchor) => shown.has(anchor));
  for (const section of document.querySelectorAll("section.hypothesis"))
    section.hidden = !section.querySelector("article:not([hidden])");
  find.querySelector("output").textContent = shown.size < articles.length ? `${shown.size} of ${articles.length}` : "";
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    refresh();
  });
}
input.addEventListener("input", refresh);
find.hidden = !articles.length;
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

// A folded checkpoint opens where a link leads to it.
function unfold() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") target.open = true;
}
window.addEventListener("hashchange", unfold);
unfold();
