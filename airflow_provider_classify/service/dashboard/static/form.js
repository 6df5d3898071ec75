// The form that submits a document and shows its answer.

import { SignInNeeded, call, getJson } from "./client.js";
import { el } from "./dom.js";
import { badge, bar, jobDetails } from "./jobs.js";

const PAUSE = 500;
const KEPT = "categories";
const id = (name) => document.getElementById(name);
const sleep = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

/** Return the names that a user typed, each once. */
export const categoriesIn = (text) => [...new Set(text.split(/[,\n]/).map((name) => name.trim()).filter(Boolean))];

/** Make the form work. `refresh` shows the recent jobs and returns them; `onSignIn` asks for the key. */
export function prepareForm({ refresh, onSignIn }) {
  const form = id("submit");
  const drop = id("drop");
  const file = id("file");
  const nameFile = () => (id("file-name").textContent = file.files[0]?.name ?? "Drop a document here, or choose a file");
  id("categories").value = sessionStorage.getItem(KEPT) ?? "";
  file.addEventListener("change", nameFile);
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    nameFile();
    if (categoriesIn(id("categories").value).length) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await classify(file.files[0], categoriesIn(id("categories").value), refresh);
    } catch (error) {
      if (error instanceof SignInNeeded) onSignIn(error);
      else say(el("p", { class: "answer-line problem" }, error.message));
    } finally {
      button.disabled = false;
    }
  });
}

const say = (...content) => id("answer").replaceChildren(...content);
const step = (text) => say(el("p", { class: "answer-line quiet working" }, text));

async function classify(file, categories, refresh) {
  if (!categories.length) throw new Error("Name at least one category.");
  sessionStorage.setItem(KEPT, categories.join(", "));
  step(`Sending ${file.name} …`);
  const body = new FormData();
  body.append("categories", JSON.stringify(categories.map((name) => ({ name }))));
  body.append("pdf_file", file);
  const { job_id: jobId } = await (await call("classify", { method: "POST", body })).json();
  refresh();
  let job = { status: "queued" };
  while (job.status === "queued" || job.status === "processing") {
    step(`${file.name} is ${job.status} …`);
    await sleep(PAUSE);
    job = await getJson(`classify/${encodeURIComponent(jobId)}`);
  }
  const activity = await refresh();
  const hasPicture = activity?.jobs.find((listed) => listed.job_id === jobId)?.has_picture ?? false;
  const shown = { status: job.status, classification: job.result?.classification ?? null, confidence: job.result?.confidence ?? null, is_blank: job.result?.blank };
  const details = await jobDetails(job, { hasPicture });
  say(el("div", { class: "answer-line" }, el("span", { class: "name" }, file.name), badge(shown), bar(shown)), details);
}
