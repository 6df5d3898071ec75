// The URL selects the view: the documents of a task or run, or the overview of a DAG.

import * as charts from "./charts.js";
import { dateTime, getJson, el, number, percent } from "./dom.js";
import { documentRow } from "./document.js";
import { LOW } from "./evidence.js";

const PAGE_SIZE = 50;
const main = document.getElementById("main");
const parameters = new URLSearchParams(location.search);
const parameter = (name) => {
  const value = parameters.get(name);
  return value && !/^[{]/.test(value) ? value : null; // Airflow does not replace {MAP_INDEX} if a task has no map index
};
const dagId = parameter("dag_id");
const runId = parameter("run_id");
const taskId = parameter("task_id");
const mapIndex = /^\d+$/.test(parameter("map_index") ?? "") ? parameter("map_index") : null;

const show = (...children) => {
  charts.clear();
  main.replaceChildren(...children.flat().filter(Boolean));
};
const message = (title, text) => el("div", { class: "message" }, el("h1", {}, title), el("p", { class: "quiet" }, text));
const tile = (value, label, ...more) => el("div", { class: "panel tile" }, el("strong", {}, number(value)), label, more);
const chartPanel = (title, draw) => {
  const canvas = el("canvas", { role: "img", "aria-label": title });
  const panel = el("section", { class: "panel" }, el("h2", {}, title), el("div", { class: "canvas" }, canvas));
  return { panel, draw: () => draw(canvas) };
};

/**
 * Create the tiles with the figures.
 *
 * `filter` shows only some of the documents, such as those of `:failed`, and `isListed` tells whether there are any.
 */
function figureTiles(figures, filter, isListed = () => false) {
  const { documents, listed, none, reviewed, escalated, doubtful, failed, blank } = figures;
  const ofAll = (part, state, whole = documents) => {
    if (!part) return [];
    const share = el("div", { class: "sub" }, `${percent(part / whole)} of all`);
    if (!isListed(state)) return [share];
    const button = el("button", { type: "button", class: "link" }, "Show them");
    button.addEventListener("click", () => filter(state));
    return [share, button];
  };
  return el(
    "div",
    { class: "tiles" },
    tile(documents, documents === 1 ? "document" : "documents"),
    tile(Object.keys(figures.categories).length, Object.keys(figures.categories).length === 1 ? "category with documents" : "categories with documents"),
    listed ? tile(doubtful, `confidence below ${percent(LOW)}`, ...ofAll(doubtful, ":doubtful", listed)) : null,
    listed ? tile(none, none === 1 ? "fits none of the categories" : "fit none of the categories", ...ofAll(none, ":none", listed)) : null,
    tile(reviewed, "reviewed by a person", ...ofAll(reviewed, ":reviewed")),
    tile(escalated, "escalated to a second classifier", ...ofAll(escalated, ":escalated")),
    tile(failed, "failed with an error", ...ofAll(failed, ":failed")),
    blank ? tile(blank, "blank", ...ofAll(blank, ":blank")) : null,
  );
}

/** Return the documents by category, and those without one. */
function countsOf({ categories, none, blank, failed }) {
  return { ...categories, ...(none ? { "(none of these)": none } : {}), ...(blank ? { "(blank)": blank } : {}), ...(failed ? { "(failed)": failed } : {}) };
}

const note = (text) => el("p", { class: "note" }, text);

// ---- The documents of a run or task.

const state = { category: "", text: "", order: "order", offset: 0 };

async function fetchDocuments() {
  const query = new URLSearchParams({ order: state.order, offset: state.offset, limit: PAGE_SIZE });
  if (taskId) query.set("task_id", taskId);
  if (mapIndex) query.set("map_index", mapIndex);
  if (state.category) query.set("category", state.category);
  if (state.text) query.set("text", state.text);
  return getJson(`api/dags/${encodeURIComponent(dagId)}/runs/${encodeURIComponent(runId)}/documents?${query}`);
}

function batchPanel(batch) {
  const counts = Object.entries(batch.categories).map(([name, count]) => el("span", { class: "badge" }, `${name}: ${number(count)}`));
  const failures = batch.failures.slice(0, 10).map((failure) => el("li", {}, failure.error || failure.document));
  return el(
    "section",
    { class: "panel batch" },
    el("h2", {}, `${number(batch.documents)} documents in the output of ${batch.task_id}`),
    el("div", {}, batch.output),
    el("div", { class: "counts" }, counts, batch.blank ? el("span", { class: "badge plain" }, `blank: ${number(batch.blank)}`) : null, batch.failed ? el("span", { class: "badge failed" }, `failed: ${number(batch.failed)}`) : null),
    failures.length ? el("ul", { class: "evidence" }, failures) : null,
    el("p", { class: "quiet" }, `The documents are not listed. ${batch.note}`),
  );
}

/** Return how many of the listed documents are in a group. Batches whose outputs are not read are not listed. */
function listedOf(reply, group) {
  return reply.figures[group] - reply.batches.reduce((total, batch) => total + (batch[group] ?? 0), 0);
}

function tools(reply, reload) {
  const names = Object.entries(reply.figures.categories);
  const groups = { none: "None of these", doubtful: `Confidence below ${percent(LOW)}`, reviewed: "Reviewed", escalated: "Escalated", blank: "Blank", failed: "Failed" };
  const choices = [
    el("option", { value: "" }, "All categories"),
    ...names.map(([name, count]) => el("option", { value: name }, `${name} (${number(count)})`)),
    ...Object.entries(groups)
      .map(([name, label]) => [name, label, listedOf(reply, name)])
      .filter(([, , count]) => count)
      .map(([name, label, count]) => el("option", { value: `:${name}` }, `${label} (${number(count)})`)),
  ];
  const category = el("select", { "aria-label": "Category" }, choices);
  category.value = state.category;
  category.addEventListener("change", () => reload({ category: category.value, offset: 0 }));
  const order = el(
    "select",
    { "aria-label": "Order" },
    el("option", { value: "order" }, "Sorted by task"),
    el("option", { value: "doubtful" }, "Least confident first"),
    el("option", { value: "name" }, "Sorted by name"),
  );
  order.value = state.order;
  order.addEventListener("change", () => reload({ order: order.value, offset: 0 }));
  const text = el("input", { type: "search", placeholder: "Find a document", "aria-label": "Find a document", value: state.text });
  let timer;
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => reload({ text: text.value, offset: 0 }), 250);
  });
  return el("div", { class: "tools" }, category, order, text, el("span", { class: "end pager" }));
}

function pager(reply, reload) {
  const first = reply.matching ? state.offset + 1 : 0;
  const last = Math.min(state.offset + PAGE_SIZE, reply.matching);
  const button = (label, offset, disabled) => {
    const element = el("button", { type: "button", disabled }, label);
    element.addEventListener("click", () => reload({ offset }));
    return element;
  };
  return [
    el("span", { class: "quiet" }, `${number(first)}–${number(last)} of ${number(reply.matching)} `),
    button("Previous", Math.max(0, state.offset - PAGE_SIZE), state.offset === 0),
    " ",
    button("Next", state.offset + PAGE_SIZE, last >= reply.matching),
  ];
}

async function documentsView() {
  let reply = await fetchDocuments();
  const where = taskId ? (mapIndex ? "This task" : `The task ${taskId}`) : "This run";
  const [only] = mapIndex && reply.documents.length === 1 ? reply.documents : [];
  const title = only ? only.name : taskId ? `Documents of ${taskId}` : "Documents of the run";
  const place = [...(only ? [taskId] : []), dagId, runId, ...(mapIndex && !only ? [`map index ${mapIndex}`] : [])].join(" · ");
  if (!reply.figures.documents) {
    const gone = "Airflow does not have this run. If the run was deleted, its results were deleted, too.";
    const none = `${where} has not classified a document.`;
    return show(message(reply.run_exists ? "No documents" : "Run not found", reply.run_exists ? none : gone));
  }
  const list = el("div", { class: "list" });
  const listed = reply.figures.documents > reply.batches.reduce((sum, batch) => sum + batch.documents, 0);
  let lastRequest = 0;
  const reload = async (change) => {
    Object.assign(state, change);
    const request = ++lastRequest;
    const found = await fetchDocuments();
    if (request !== lastRequest) return; // a newer request was sent
    reply = found;
    fill();
  };
  const guarded = (change) => reload(change).catch((error) => show(message("Classified documents", error.message)));
  const toolbar = tools(reply, guarded);
  const showOnly = (state) => {
    toolbar.querySelector("select").value = state;
    toolbar.querySelector("input").value = "";
    guarded({ category: state, text: "", offset: 0 });
    toolbar.scrollIntoView();
  };
  const single = reply.figures.documents === 1;
  const fill = () => {
    const head = el("div", { class: "head" }, ["", "Document", "Category", "Confidence", "Alternative", ""].map((name) => el("span", {}, name)));
    const rows = reply.documents.map((found) => documentRow(found, { isOpen: single, showTask: !taskId }));
    list.classList.toggle("without-pictures", !reply.documents.some((found) => found.thumbnail));
    list.replaceChildren(head, ...(rows.length ? rows : [el("p", { class: "message quiet" }, "No document matches.")]));
    toolbar.querySelector(".pager").replaceChildren(...pager(reply, guarded));
  };
  const byCategory = chartPanel("Documents by category", (canvas) => charts.categories(canvas, countsOf(reply.figures)));
  const confidences = chartPanel("Confidence of the answers", (canvas) => charts.histogram(canvas, reply.figures.histogram));
  const many = reply.figures.documents > 1;
  const withConfidence = reply.figures.histogram.some(Boolean);
  const panels = many ? [byCategory, ...(withConfidence ? [confidences] : [])] : [];
  if (listed) fill();
  show(
    el("header", {}, el("h1", {}, title), el("div", { class: "quiet" }, place)),
    many ? figureTiles(reply.figures, showOnly, (state) => listedOf(reply, state.slice(1)) > 0) : null,
    panels.length ? el("div", { class: "charts" }, panels.map(({ panel }) => panel)) : null,
    reply.is_truncated ? note("An output has more rows than this page reads. Only the first 20,000 are shown.") : null,
    reply.batches.map(batchPanel),
    listed && !single ? toolbar : null,
    listed ? list : null,
  );
  panels.forEach(({ draw }) => draw());
}

// ---- The overview of a DAG.

async function dagChooser() {
  const { dags } = await getJson("api/dags");
  if (!dags.length) {
    show(message("No documents yet", "No Dag that you may read has classified a document. Results appear here when a task that classifies documents ends."));
    return null;
  }
  return dags;
}

async function overviewView(chosen, days, dags) {
  const reply = await getJson(`api/dags/${encodeURIComponent(chosen)}/overview?days=${days}`);
  const period = el("select", { "aria-label": "Period" }, [7, 30, 90, 365].map((count) => el("option", { value: count }, `Last ${count} days`)));
  period.value = days;
  const guard = (view) => view.catch((error) => show(message("Classified documents", error.message)));
  period.addEventListener("change", () => guard(overviewView(chosen, Number(period.value), dags)));
  const controls = [period];
  if (dags) {
    const dag = el("select", { "aria-label": "Dag" }, dags.map((name) => el("option", { value: name }, name)));
    dag.value = chosen;
    dag.addEventListener("change", () => guard(overviewView(dag.value, Number(period.value), dags)));
    controls.unshift(dag);
  }
  const header = el("header", {}, el("h1", {}, `Documents of ${chosen}`), el("div", { class: "tools" }, controls));
  if (!reply.figures.documents) {
    if (!reply.newest) return show(message("No documents", `No task of ${chosen} has classified a document yet.`));
    const last = dateTime(reply.newest).slice(0, 10);
    return show(header, message("No documents", `No document was classified in the last ${days} days. The last one was classified on ${last}.`));
  }
  const daily = chartPanel("Documents by category and day", (canvas) => charts.daily(canvas, reply.by_day));
  const confidences = chartPanel("Confidence of the answers", (canvas) => charts.histogram(canvas, reply.figures.histogram));
  const panels = [daily, ...(reply.figures.histogram.some(Boolean) ? [confidences] : [])];
  const rows = reply.recent_runs.map((run) =>
    el(
      "tr",
      {},
      el("td", {}, el("a", { href: `page?${new URLSearchParams({ dag_id: chosen, run_id: run.run_id })}` }, run.run_id)),
      el("td", {}, dateTime(run.at)),
      ...["documents", "doubtful", "none", "failed"].map((name) => el("td", { class: "number" }, run[name] === null ? "–" : number(run[name]))),
    ),
  );
  show(
    header,
    figureTiles(reply.figures),
    reply.is_truncated ? note("There are more results than this page reads. Only the newest 20,000 are counted. Choose a shorter period.") : null,
    reply.in_batches ? el("p", { class: "quiet" }, `${number(reply.in_batches)} documents are in the outputs of batches. They are counted by category, but not by confidence.`) : null,
    el("div", { class: "charts" }, panels.map(({ panel }) => panel)),
    el(
      "section",
      { class: "panel" },
      el("h2", {}, reply.runs > rows.length ? `The newest ${rows.length} of ${number(reply.runs)} runs in the last ${days} days` : `Runs in the last ${days} days`),
      el("table", { class: "runs" }, el("tr", {}, el("th", {}, "Run"), el("th", {}, "Last document classified at"), ...["Documents", `Below ${percent(LOW)}`, "None of these", "Failed"].map((name) => el("th", { class: "number" }, name))), rows),
    ),
  );
  panels.forEach(({ draw }) => draw());
}

async function start() {
  if (dagId && runId) return documentsView();
  if (dagId) return overviewView(dagId, 30, null);
  const dags = await dagChooser();
  return dags && overviewView(dags[0], 30, dags);
}

start().catch((error) => show(message("Classified documents", error.message)));
