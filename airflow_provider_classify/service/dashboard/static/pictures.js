// The pictures of first pages. An image element cannot send the key, so the script fetches them.

import { call } from "./client.js";

const urls = new Map();

/** Return the URL of a job's picture; null if it cannot be fetched. */
export function pictureUrl(jobId) {
  if (!urls.has(jobId)) urls.set(jobId, fetchPicture(jobId));
  return urls.get(jobId);
}

async function fetchPicture(jobId) {
  try {
    const response = await call(`dashboard/api/pictures/${encodeURIComponent(jobId)}`);
    return URL.createObjectURL(await response.blob());
  } catch {
    urls.delete(jobId); // it is asked for again when it is needed again
    return null;
  }
}

/** Free the pictures of all jobs but these. */
export async function keepPictures(jobIds) {
  for (const [jobId, promised] of urls) {
    if (jobIds.has(jobId)) continue;
    urls.delete(jobId);
    const url = await promised;
    if (url) URL.revokeObjectURL(url);
  }
}
