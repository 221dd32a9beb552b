// What the cards that are folded until somebody opens them ask of the server, and the page behind the link in a test mail.
import { json } from './api.js';

const HISTORY = '/v1/smtp/history';

export const tools = {
  history: () => json('GET', HISTORY),
  restoreVersion: (id) => json('POST', `${HISTORY}/${id}/restore`),
  checkHeaders: (headers) => json('POST', '/v1/header-checks', { body: { headers } }),
  explain: (body) => json('POST', '/v1/diagnoses', { body }),
  confirmArrival: (body) => json('POST', '/v1/test-arrivals', { body }),
};
