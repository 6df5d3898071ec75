// The page of the service: sign in where the service has a key, then show what it does.

import { SignInNeeded, forgetKey, getJson, hasKey, keepKey } from "./client.js";
import { el, number } from "./dom.js";
import { prepareForm } from "./form.js";
import { seconds, showJobs } from "./jobs.js";

const PAUSE = 3000;
const id = (name) => document.getElementById(name);
const sum = (counts) => counts.reduce((total, count) => total + count, 0);
const tile = (value, label, title, isAlert) => el("div", { class: `panel tile${isAlert ? " alert" : ""}`, title }, el("strong", {}, value), label);

function showTiles({ queued, processing, oldest_seconds: oldest, completed, failed }) {
  const recent = sum(completed.slice(-6, -1)) + sum(failed.slice(-6, -1));
  id("tiles").replaceChildren(
    tile(number(queued), "queued"),
    tile(number(processing), "processing"),
    tile(queued ? seconds(oldest) : "–", "longest wait in the queue"),
    tile(number(Math.round(recent / 5)), "documents per minute", "Mean of the last five full minutes"),
    tile(number(sum(completed)), "classified in the last hour"),
    tile(number(sum(failed)), "failed in the last hour", undefined, sum(failed) > 0),
  );
}

function showMinutes({ completed, failed }) {
  const highest = Math.max(1, ...completed.map((count, index) => count + failed[index]));
  const part = (count, name) => {
    const element = el("div", { class: name });
    element.style.height = `${(count / highest) * 100}%`;
    return element;
  };
  const bars = completed.map((count, index) => {
    const ago = completed.length - 1 - index;
    const title = `${ago ? `${ago} min ago` : "this minute"}: ${count} classified, ${failed[index]} failed`;
    return el("div", { class: "minute", title }, part(failed[index], "failed"), part(count, "completed"));
  });
  const minutes = id("minutes");
  minutes.replaceChildren(...bars);
  minutes.setAttribute("aria-label", `${sum(completed)} documents were classified and ${sum(failed)} failed in the last hour; at most ${highest} in a minute`);
}

// ---- Sign in and refresh.

let timer = null;

function ask(problem = "") {
  clearTimeout(timer);
  id("signed-in").hidden = true;
  id("sign-out").hidden = true;
  id("sign-in").hidden = false;
  id("sign-in").querySelector(".problem").textContent = problem;
  id("key").focus();
}

function refuse(error) {
  const had = hasKey();
  forgetKey();
  ask(had ? error.message : "");
}

/** Show what the service does now, and again after a pause. Return it; null if it could not be read. */
async function refresh() {
  clearTimeout(timer);
  let activity = null;
  const note = id("problem");
  try {
    activity = await getJson("dashboard/api/activity");
    id("version").textContent = activity.version;
    id("sign-in").hidden = true;
    id("signed-in").hidden = false;
    id("sign-out").hidden = !hasKey();
    note.hidden = true;
    showTiles(activity);
    showMinutes(activity);
    showJobs(id("jobs"), activity.jobs);
  } catch (error) {
    if (error instanceof SignInNeeded) {
      refuse(error);
      return null;
    }
    id("signed-in").hidden = false;
    note.textContent = `${error.message} What you see may be old; the page tries again.`;
    note.hidden = false;
  }
  // A tab that nobody looks at asks for nothing.
  if (!document.hidden) timer = setTimeout(refresh, PAUSE);
  return activity;
}

id("sign-in").querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = id("key").value;
  id("key").value = "";
  if (/[^\x21-\x7e]/.test(key)) {
    ask("A key has only letters, digits and signs of ASCII, without spaces.");
    return;
  }
  keepKey(key);
  refresh();
});
id("sign-out").addEventListener("click", () => {
  forgetKey();
  location.reload();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && id("sign-in").hidden) refresh();
});
prepareForm({ refresh, onSignIn: refuse });
if (document.documentElement.dataset.key === "needed" && !hasKey()) ask();
else refresh();
