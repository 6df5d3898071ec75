// Parts that the page in Airflow's UI and the page of the service share.

import { el, percent } from "./dom.js";

/** Below this confidence, a bar is red. The page counts these documents, with LOW_CONFIDENCE of `documents.py`. */
export const LOW = 0.5;

/** Create a bar for a confidence from 0 to 1. */
export function confidenceBar(confidence) {
  const fill = el("div", { class: confidence < LOW ? "fill low" : "fill" });
  fill.style.width = `${Math.min(1, Math.max(0, confidence)) * 100}%`;
  return el("div", { class: "bar" }, el("div", { class: "track" }, fill), el("span", {}, percent(confidence)));
}

/**
 * Create the list of evidence, and its marks on the picture of page 1.
 *
 * `evidence` has objects with `text`, `page`, `type` and `box` (left, top, right, bottom, as shares of the page).
 */
export function evidenceList(evidence, hasPicture) {
  const marks = [];
  const lines = evidence.map((found) => {
    const isMarked = hasPicture && found.page === 1 && found.box;
    const where = [found.page ? `page ${found.page}` : "", found.type ? `evidence for ${found.type}` : ""].filter(Boolean).join(", ");
    const line = el("li", { class: isMarked ? "marked" : "" }, found.is_quotation === false ? found.text : `“${found.text}”`, where ? el("span", { class: "sub" }, ` ${where}`) : "");
    if (isMarked) {
      const [left, top, right, bottom] = found.box;
      const mark = el("div", { class: "mark", title: found.text });
      Object.assign(mark.style, { left: `${left * 100}%`, top: `${top * 100}%`, width: `${(right - left) * 100}%`, height: `${(bottom - top) * 100}%` });
      line.addEventListener("mouseenter", () => mark.classList.add("active"));
      line.addEventListener("mouseleave", () => mark.classList.remove("active"));
      marks.push(mark);
    }
    return line;
  });
  return { lines, marks };
}
