// The list of recent jobs, and the details of a job.

import { getJson } from "./client.js";
import { el, percent } from "./dom.js";
import { confidenceBar, evidenceList } from "./evidence.js";
import { keepPictures, pictureUrl } from "./pictures.js";

const MOST_EVIDENCE = 8;
const MOST_SCORES = 5;

export function seconds(count) {
  if (count < 10) return `${count.toFixed(1)} s`;
  if (count < 120) return `${Math.round(count)} s`;
  return count < 7200 ? `${Math.round(count / 60)} min` : `${Math.round(count / 3600)} h`;
}

/** Create the badge for the status or the category of a job. */
export function badge({ status, classification, is_blank: isBlank }) {
  if (status === "failed") return el("span", { class: "badge failed" }, "not classified");
  if (status !== "completed") return el("span", { class: "quiet state working" }, status);
  if (isBlank) return el("span", { class: "badge plain" }, "blank");
  return classification === null ? el("span", { class: "badge failed" }, "not classified") : el("span", { class: "badge" }, classification);
}

export function bar({ status, confidence, classification }) {
  if (status !== "completed" || confidence === null || classification === null) return el("span", { class: "quiet" }, "–");
  return confidenceBar(confidence);
}

/** Return the evidence of all pages, each line once. */
function evidenceOf(result) {
  const seen = new Set();
  return [result, ...(result.page_results ?? [])]
    .flatMap((part) => part.evidence ?? [])
    .map(({ line, text, page, type, box }) => ({ text: line || text, page, type, box: Array.isArray(box) && box.length === 4 ? box : null }))
    .filter(({ text, page }) => text && !seen.has(`${page} ${text}`) && seen.add(`${page} ${text}`))
    .slice(0, MOST_EVIDENCE);
}

function facts(job, documentName) {
  const listed = [];
  const fact = (name, value) => listed.push(el("dt", {}, name), el("dd", {}, value));
  if (documentName) fact("Document", documentName);
  fact("Job", job.job_id);
  if (job.error) fact("Error", job.error);
  const result = job.result;
  if (!result) return listed;
  fact("Pages", `${result.processed_pages} of ${result.total_pages} read`);
  const scores = Object.entries(result.scores ?? {}).filter(([, score]) => score >= 0.005).sort((a, b) => b[1] - a[1]);
  if (scores.length) fact("Scores", scores.slice(0, MOST_SCORES).map(([name, score]) => `${name} ${percent(score)}`).join(", "));
  const engine = result.engine;
  if (engine?.name) fact("Answered by", [engine.name, engine.version].filter(Boolean).join(" "));
  const first = result.first_answer;
  if (first) fact("First answer", first.classification ? `${first.classification} ${percent(first.confidence ?? 0)}` : first.error ?? "none");
  if (result.escalation_error) fact("Not escalated", result.escalation_error);
  const failed = (result.page_results ?? []).filter((page) => !page.success);
  if (failed.length) fact("Failed pages", failed.map((page) => `${page.page}: ${page.error ?? "no reason given"}`).join("; "));
  return listed;
}

/** Create the details of a job as the API describes it, with its evidence. */
export async function jobDetails(job, { documentName, hasPicture }) {
  const picture = hasPicture ? await pictureUrl(job.job_id) : null;
  const { lines, marks } = evidenceList(job.result ? evidenceOf(job.result) : [], picture !== null);
  return el(
    "div",
    { class: picture ? "more" : "more single" },
    picture ? el("div", { class: "page" }, el("img", { src: picture, alt: "The first page of the document" }), marks) : null,
    el(
      "div",
      {},
      el("dl", { class: "facts" }, facts(job, documentName)),
      lines.length ? el("h2", { class: "found" }, "Evidence") : null,
      lines.length ? el("ul", { class: "evidence" }, lines) : null,
    ),
  );
}

function thumbnail(job) {
  if (!job.has_picture) return el("span", { class: "blank-picture" });
  const image = el("img", { class: "picture", alt: "" });
  pictureUrl(job.job_id).then((url) => url && (image.src = url));
  return image;
}

function row(job, isOpen) {
  const submitted = new Date(job.submitted_at);
  const remarks = [
    el("time", { dateTime: job.submitted_at, title: submitted.toLocaleString() }, submitted.toLocaleTimeString()),
    job.is_escalated ? " · escalated" : "",
    job.error ? ` · ${job.error}` : "",
  ];
  const summary = el(
    "summary",
    { class: "row" },
    thumbnail(job),
    el("span", {}, el("span", { class: "name" }, job.document), el("div", { class: "sub" }, remarks)),
    el("span", {}, badge(job)),
    bar(job),
    el("span", { class: "quiet state", title: "From the submit to the end" }, seconds(job.seconds)),
  );
  const element = el("details", { class: "document" }, summary);
  element.addEventListener("toggle", async () => {
    if (!element.open || element.childElementCount > 1) return;
    const place = element.appendChild(el("div", {}, el("p", { class: "empty quiet" }, "Loading …")));
    try {
      place.replaceWith(await jobDetails(await getJson(`classify/${encodeURIComponent(job.job_id)}`), { documentName: job.document, hasPicture: job.has_picture }));
    } catch (error) {
      place.replaceWith(el("p", { class: "empty problem" }, error.message));
    }
  });
  element.open = isOpen;
  return element;
}

const rows = new Map();
const head = el("div", { class: "head" }, ...["", "Document", "Category", "Confidence", "Time"].map((name) => el("span", {}, name)));

/** Show the jobs. Rows whose job has not changed stay as they are, open or closed. */
export function showJobs(list, jobs) {
  const listed = new Set(jobs.map((job) => job.job_id));
  for (const jobId of [...rows.keys()]) if (!listed.has(jobId)) rows.delete(jobId);
  for (const job of jobs) {
    const text = JSON.stringify(job);
    const known = rows.get(job.job_id);
    if (known?.text !== text) rows.set(job.job_id, { text, element: row(job, known?.element.open ?? false) });
  }
  const elements = jobs.map((job) => rows.get(job.job_id).element);
  const wanted = elements.length ? [head, ...elements] : [el("p", { class: "empty quiet" }, "There are no jobs yet.")];
  if (wanted.length !== list.childElementCount || wanted.some((element, index) => list.children[index] !== element)) list.replaceChildren(...wanted);
  keepPictures(listed);
}
