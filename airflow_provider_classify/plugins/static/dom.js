// Create elements. Text of documents becomes text nodes, never HTML.

/** Create an element with properties and children. `class`, `data-…` and `aria-…` become attributes. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "class" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

export const percent = (share) => {
  if (share === null) return "–";
  if (share > 0 && share < 0.01) return "<\u00a01\u00a0%";
  return `${share < 1 ? Math.min(Math.round(share * 100), 99) : 100}\u00a0%`;
};

export const number = (count) => count.toLocaleString("en-US");

/** Get JSON from the plugin's API. The message of an error is a sentence for the user. */
export async function getJson(path) {
  let response;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" } });
  } catch {
    throw new Error("Airflow cannot be reached. Try to reload the page.");
  }
  if (response.ok) return response.json();
  const sentences = {
    401: "You are not logged in. Log in to Airflow and reload the page.",
    403: "You may not see these results. Ask for the permission to read this DAG and its XComs.",
    404: "The DAG or run does not exist.",
  };
  throw new Error(sentences[response.status] ?? `Airflow answered with an error (${response.status}); see the log of its API server.`);
}

/** Return a time as Airflow's UI writes it, in the time zone of the browser. */
export function dateTime(text) {
  const at = new Date(text);
  const two = (part) => String(part).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}
