// The one place that talks to the server: JSON, CSRF header, If-Match, problem+json, and the live stream.
import { currentLanguage, t, timeZone } from './i18n.js';

const POLL_RUNNING_MS = 500;
const POLL_IDLE_MS = 4000;
const POLL_LOST_MS = 1000;
const RECONNECT_MS = 10000;
const LOST_AFTER_MS = 3000;

let csrfToken = null;
let onSignedOut = () => {};

export const setCsrfToken = (token) => { csrfToken = token; };
export const whenSignedOut = (callback) => { onSignedOut = callback; };

/** What the server refused, or that it could not be reached (`code` "network"). */
export class ApiError extends Error {
  constructor(status, problem = {}, retryAfter = 0) {
    super(problem.detail || problem.title);
    this.status = status;
    this.code = problem.code || 'unknown';
    this.errors = problem.errors || [];
    this.diagnosis = problem.diagnosis || null;
    this.retryAfter = retryAfter; // seconds; 0: not said
  }
}

/** One sentence for a person: the server's own, which comes in the language of the page. Ours are looked up here: the fault may be older than they are. */
export function errorText(error) {
  if (error.code === 'too_many_attempts' && error.retryAfter) return t('error.too_many_attempts', { n: error.retryAfter });
  return (error instanceof ApiError && error.message) || t(error.code === 'network' ? 'error.network' : 'error.unknown');
}

/** Nobody answered, or only a proxy did. */
const isUnreachable = (error) => error.status === 0 || [502, 503, 504].includes(error.status);

async function send(method, path, { body, ifMatch, accept = 'application/json, application/problem+json' } = {}) {
  const headers = { Accept: accept, 'Accept-Language': currentLanguage() };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (ifMatch !== undefined) headers['If-Match'] = `"${ifMatch}"`;
  if (method !== 'GET' && csrfToken) headers['X-CSRF-Token'] = csrfToken;
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, credentials: 'same-origin', cache: 'no-store', redirect: 'error',
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, { code: 'network' });
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const error = new ApiError(answer.status, problem, Number(answer.headers.get('Retry-After')) || 0);
  if (answer.status === 401 && error.code !== 'invalid_credentials') onSignedOut();
  throw error;
}

export const json = async (method, path, options) => (await send(method, path, options)).json();

export const api = {
  session: () => json('GET', '/v1/session'),
  setup: (body) => json('POST', '/v1/setup', { body }),
  signIn: (body) => json('POST', '/v1/sessions', { body }),
  signOut: () => json('DELETE', '/v1/sessions/current'),
  lookUpInvitation: (token) => json('POST', '/v1/invitations/lookup', { body: { token } }), // here, for it is asked before its page has come

  smtp: () => json('GET', '/v1/smtp'),
  saveDraft: (body, ifMatch) => json('PATCH', '/v1/smtp/draft', { body, ifMatch }),
  dropDraft: (ifMatch) => json('DELETE', '/v1/smtp/draft', { ifMatch }),
  verify: (body) => json('POST', '/v1/smtp/verifications', { body }),
  verification: (id) => json('GET', `/v1/smtp/verifications/${id}`),
  cancelVerification: (id) => json('DELETE', `/v1/smtp/verifications/${id}`),
  setSending: (body) => json('PUT', '/v1/smtp/sending', { body }),
  sendingPreview: () => json('GET', '/v1/smtp/sending/preview'),
  sendTest: (to) => json('POST', '/v1/smtp/test-emails', { body: { to } }),
  presets: async () => (await json('GET', '/v1/smtp/presets')).data,
  discover: (email, wide) => json('GET', `/v1/smtp/discovery?${new URLSearchParams({ email, ...(wide && { public_database: 'true' }) })}`),

  emails: (query) => json('GET', `/v1/emails?${new URLSearchParams(query)}`),
  email: (id) => json('GET', `/v1/emails/${id}`),
  explanation: (id) => json('GET', `/v1/emails/${id}/explanation?time_zone=${encodeURIComponent(timeZone())}`),
  cancelEmail: (id) => json('POST', `/v1/emails/${id}/cancel`),
  retryEmail: (id) => json('POST', `/v1/emails/${id}/retry`),
  rescheduleEmail: (id, at) => json('PATCH', `/v1/emails/${id}`, { body: { scheduled_at: at } }),
  countEmails: (filter) => json('GET', `/v1/emails/count?${new URLSearchParams(filter)}`),
  changeFound: (action, filter, after) => json('POST', '/v1/emails/bulk', { body: { action, filter, ...(after && { after }) } }),
  changeEmails: (action, ids, uncertain) => json('POST', '/v1/emails/bulk', { body: { action, ids, ...(uncertain && { uncertain }) } }),

  activity: () => json('GET', '/v1/smtp/activity'),
  checkDomain: (body) => json('POST', '/v1/domain-checks', { body }),

  sandbox: () => json('GET', '/v1/sandbox'),
  captures: (query) => json('GET', `/v1/sandbox/messages?${new URLSearchParams(query)}`),
  capture: (id) => json('GET', `/v1/sandbox/messages/${id}`),
  captureBytes: async (id) =>
    new Uint8Array(await (await send('GET', `/v1/sandbox/messages/${id}/raw`, { accept: 'text/plain' })).arrayBuffer()),
  clearCaptures: () => json('DELETE', '/v1/sandbox/messages'),
};

/**
 * Follows what happens: the server's event stream, and polling whenever that is not open.
 * language: of the diagnoses in it; handlers: status(object), phase(verification), sending(part), health(part), email(part); connection(up): nobody has answered
 * for three seconds, or somebody does again and events may have been missed; running() tells the id of a verification under way, or
 * null. Returns a function that ends it.
 */
export function follow(language, handlers) {
  let source = null;
  let pollTimer = 0;
  let reopenTimer = 0;
  let ended = false;
  let brokenSince = 0;
  let lost = false;

  const stopPolling = () => { clearTimeout(pollTimer); pollTimer = 0; };

  const found = () => {
    if (!lost) return;
    lost = false;
    handlers.connection(true);
    if (source.readyState !== EventSource.CLOSED) return;
    clearTimeout(reopenTimer);
    open();
  };

  const missed = (error) => {
    if (lost || !brokenSince || !isUnreachable(error) || Date.now() - brokenSince < LOST_AFTER_MS) return;
    lost = true;
    handlers.connection(false);
  };

  const poll = async () => {
    let answered = true;
    try {
      const running = handlers.running();
      const answer = await (running ? api.verification(running) : api.smtp());
      if (ended) return;
      found();
      handlers[running ? 'phase' : 'status'](answer);
    } catch (error) {
      if (ended) return;
      answered = false;
      missed(error); // the next turn tries again; a lost session is reported by whenSignedOut
    }
    const pause = !answered ? POLL_LOST_MS : handlers.running() ? POLL_RUNNING_MS : POLL_IDLE_MS;
    if (pollTimer) pollTimer = setTimeout(poll, pause);
  };

  const startPolling = () => {
    if (!pollTimer) pollTimer = setTimeout(poll, POLL_RUNNING_MS);
  };

  const open = () => {
    source = new EventSource(`/v1/smtp/events?language=${language}`);
    source.onopen = () => {
      stopPolling();
      if (brokenSince) handlers.connection(true);
      brokenSince = 0;
      lost = false;
    };
    source.onerror = () => {
      if (ended) return;
      brokenSince ||= Date.now();
      startPolling();
      if (source.readyState === EventSource.CLOSED) {
        clearTimeout(reopenTimer);
        reopenTimer = setTimeout(open, RECONNECT_MS);
      }
    };
    for (const name of ['status', 'phase', 'sending', 'health', 'email']) {
      source.addEventListener(name, (event) => handlers[name](JSON.parse(event.data)));
    }
  };

  open();
  return () => {
    ended = true;
    stopPolling();
    clearTimeout(reopenTimer);
    source.close();
  };
}
