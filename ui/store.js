// What the pages share: who is signed in, the SMTP status, the verification that is shown, and the live stream.
import { useLayoutEffect, useState } from 'preact/hooks';
import { api, follow, setCsrfToken, whenSignedOut } from './api.js';
import { currentLanguage } from './i18n.js';
import { isAdmin } from './routes.js';

let state = {
  session: null,      // GET /v1/session
  smtp: null,         // GET /v1/smtp
  verification: null, // the newest run we know of
  lastEmail: null,    // the newest `email` event
  connection: { lost: false, count: 0 }, // to the server; counted: how often it came back
  announcement: { text: '', count: 0 }, // what the polite live region says
  signedOut: false,   // the session ended by itself
  address: '',        // what was typed as one's own address, for the next form that asks for it
  mending: null,      // an action of a diagnosis that the settings page is to carry out
};
const listeners = new Set();

export const app = () => state;

export function update(patch) {
  state = { ...state, ...patch };
  for (const listener of listeners) listener();
}

/** Listens from the moment it is drawn: an effect runs a frame later, and an answer in between would never be shown. */
export function useApp() {
  const [, redraw] = useState(0);
  useLayoutEffect(() => {
    const listener = () => redraw((n) => n + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return state;
}

/** Counted, because the same words twice are to be heard twice. */
export const announce = (text) => update({ announcement: { text, count: state.announcement.count + 1 } });

// --- Session ---------------------------------------------------------------------------------------------------------

let endStream = null;

const SESSION = 'absender.session'; // of this tab: after a new start too it is known that a session has ended

export function takeSession(session) {
  setCsrfToken(session.csrf_token);
  if (session.authenticated) sessionStorage.setItem(SESSION, '1');
  update({ session, signedOut: !session.authenticated && Boolean(sessionStorage.getItem(SESSION)) });
  const follows = isAdmin(session); // the stream is about the settings
  if (follows && !endStream) startStream();
  if (!follows) stopStream();
}

export const loadSession = async () => takeSession(await api.session());

export async function signOut() {
  await api.signOut();
  sessionStorage.removeItem(SESSION); // on purpose
  await loadSession();
}

whenSignedOut(() => {
  if (!state.session?.authenticated) return;
  takeSession({ ...state.session, authenticated: false, member: null, csrf_token: null });
});

// --- SMTP status and verification ------------------------------------------------------------------------------------

/** Ids are UUIDv7: the greater one is the later run. A run that has ended is not undone by a late event. */
function newer(known, next) {
  if (!next) return known;
  if (!known || next.id > known.id) return next;
  if (next.id < known.id || (known.state !== 'running' && next.state === 'running')) return known;
  return next;
}

/** True if this was said before what we have: changed settings have a higher revision, and a run that has ended stays so. */
function isOlder(smtp) {
  const { smtp: known, verification: run } = state;
  if (known && smtp.revision !== known.revision) return smtp.revision < known.revision;
  return smtp.setup === 'verifying' && Boolean(run) && run.state !== 'running' && smtp.last_verification?.id === run.id;
}

/** An event may overtake an answer: what is older than what we have is not taken. */
export function takeSmtp(smtp) {
  if (isOlder(smtp)) return;
  update({ smtp, verification: newer(state.verification, smtp.last_verification) });
}

export function takeVerification(verification) {
  update({ verification: newer(state.verification, verification) });
}

export const loadSmtp = async () => takeSmtp(await api.smtp());

function startStream() {
  const part = (name) => (value) => update({ smtp: state.smtp && { ...state.smtp, [name]: value } });
  endStream = follow(currentLanguage(), {
    running: () => (state.verification?.state === 'running' ? state.verification.id : null),
    status: takeSmtp,
    phase: takeVerification,
    sending: part('sending'),
    health: part('health'),
    email: (lastEmail) => update({ lastEmail }),
    connection: (up) => update({ connection: { lost: !up, count: state.connection.count + (up ? 1 : 0) } }),
  });
  loadSmtp().catch(() => {}); // every page shows it, and the stream may take its time to begin
}

/** Diagnoses come in the language asked for, so a new language asks anew. */
export async function restartStream() {
  if (!endStream) return;
  endStream();
  startStream();
}

function stopStream() {
  endStream?.();
  endStream = null;
  update({ smtp: null, verification: null, lastEmail: null, connection: { ...state.connection, lost: false } });
}
