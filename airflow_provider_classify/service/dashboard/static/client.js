// Requests to the service. Each carries the key, which only this tab's session storage has.

const NAME = "api-key";

/** The service refused the key, or needs one. */
export class SignInNeeded extends Error {}

export const hasKey = () => sessionStorage.getItem(NAME) !== null;
export const keepKey = (key) => sessionStorage.setItem(NAME, key);
export const forgetKey = () => sessionStorage.removeItem(NAME);

/** Send a request. :throws an Error with a sentence for the user. */
export async function call(path, options = {}) {
  const key = sessionStorage.getItem(NAME);
  const headers = { Accept: "application/json", ...(key === null ? {} : { "api-key": key }) };
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch {
    throw new Error("The service cannot be reached.");
  }
  if (response.ok) return response;
  if (response.status === 401 || response.status === 403) throw new SignInNeeded(await reason(response));
  throw new Error(await reason(response));
}

export const getJson = async (path) => (await call(path)).json();

async function reason(response) {
  try {
    const { detail } = await response.json();
    if (typeof detail === "string") return `${detail}.`.replace(/\.\.$/, ".");
    if (Array.isArray(detail)) return detail.map((found) => `${found.loc?.at(-1) ?? ""}: ${found.msg}`).join("; ");
    if (detail?.message) return detail.message;
  } catch {
    // The body is not JSON, as that of a proxy.
  }
  return `The service answered with the status ${response.status}.`;
}
