// A document in the list. It is one line; when it is opened, its details and evidence are below.

import { el, percent } from "./dom.js";
import { confidenceBar, evidenceList } from "./evidence.js";

function bar({ confidence, reviewed_by: person }) {
  if (person) return el("span", { class: "quiet" }, "chosen by a person");
  if (confidence === null) return el("span", { class: "quiet" }, "–");
  return confidenceBar(confidence);
}

function badge(found) {
  if (found.state === "failed") return el("span", { class: "badge failed" }, "failed");
  if (found.state === "blank") return el("span", { class: "badge plain" }, "blank");
  if (found.is_probably_none) return el("span", { class: "badge plain" }, "none of these");
  return el("span", { class: "badge" }, found.category);
}

function runnerUp({ runner_up: found, is_scored: isScored, reviewed_by: person }) {
  if (!found) return isScored && !person ? "no other" : "–";
  const name = el("span", { class: found.category ? "badge" : "badge plain" }, found.category ?? "none of these");
  return [name, ` ${percent(found.probability)}`];
}

/** Return short remarks about the review and the escalation of a document. */
function remarks(found) {
  const lines = [];
  if (found.reviewed_by && found.predicted && found.predicted !== found.category) lines.push(`${found.predicted} corrected by ${found.reviewed_by}`);
  else if (found.reviewed_by) lines.push(`${found.predicted ? "confirmed" : "chosen"} by ${found.reviewed_by}`);
  if (found.is_escalated) lines.push("escalated to a second classifier");
  return lines;
}

function details(found, picture) {
  const facts = [];
  const fact = (name, value) => facts.push(el("dt", {}, name), el("dd", {}, value));
  fact("Document", found.label || found.name);
  fact("Task", found.map_index >= 0 ? `${found.task_id}, map index ${found.map_index}` : found.task_id);
  if (found.error) fact("Error", found.error);
  if (found.is_probably_none && found.runner_up) fact("In the result", `the nearest category, ${found.category}, with the confidence ${percent(found.runner_up.probability)}`);
  if (found.reviewed_by) fact("Reviewed by", found.reviewed_by);
  if (found.predicted) fact("Prediction", found.predicted);
  if (found.answered_by) fact("Answered by", found.answered_by);
  const { lines, marks } = evidenceList(found.evidence, picture !== null);
  return el(
    "div",
    { class: "more" },
    picture ? el("div", { class: "page" }, el("img", { src: picture, alt: "The first page of the document" }), marks) : el("div"),
    el(
      "div",
      {},
      el("dl", { class: "facts" }, facts),
      lines.length ? el("h2", { class: "found" }, "Evidence") : null,
      lines.length ? el("ul", { class: "evidence" }, lines) : null,
    ),
  );
}

/** Create the line of a document. Its details are built when it is opened. */
export function documentRow(found, { isOpen, showTask }) {
  // The URL is relative to Airflow's base URL, and this page is one level below it.
  const picture = found.thumbnail ? `../${found.thumbnail}` : null;
  const sub = [...remarks(found), showTask ? found.task_id : ""].filter(Boolean).join(" · ");
  const summary = el(
    "summary",
    { class: "row" },
    picture ? el("img", { class: "picture", src: picture, alt: "", loading: "lazy" }) : el("span", { class: "blank-picture" }),
    el("span", {}, el("span", { class: "name" }, found.name), sub ? el("div", { class: "sub" }, sub) : ""),
    el("span", {}, badge(found)),
    bar(found),
    el("span", { class: "quiet" }, runnerUp(found)),
    el("span", { class: "opener", "aria-hidden": "true" }, "›"),
  );
  const row = el("details", { class: "document" }, summary);
  const fill = () => {
    if (row.open && row.childElementCount === 1) row.append(details(found, picture));
  };
  row.addEventListener("toggle", fill);
  row.open = isOpen;
  return row;
}
