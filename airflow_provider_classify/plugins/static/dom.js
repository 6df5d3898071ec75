// Build elements. Text of documents only becomes text nodes, never markup.

/** Create an element with properties and children. A property `class` or `data-…` or `aria-…` becomes an attribute. */
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
  if (share > 0 && share < 0.01) return "< 1 %";
  return `${share < 1 ? Math.min(Math.round(share * 100), 99) : 100} %`;
};

export const number = (count) => count.toLocaleString("en-US");

/** Ask the plugin's API. The error has a sentence for people. */
export async function ask(path) {
  let response;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" } });
  } catch {
    throw new Error("Airflow cannot be reached. Reload the page in a moment.");
  }
  if (response.ok) return response.json();
  const sentences = {
    401: "You are not logged in. Log in to Airflow and reload the page.",
    403: "You may not see these results. Ask for the permission to read this DAG and its XComs.",
    404: "Airflow has no such DAG or run.",
  };
  throw new Error(sentences[response.status] ?? `Airflow answered with an error (${response.status}); see the log of its API server.`);
}
