// A test mail to any address, followed until it has arrived (the link in it says so) or the provider has said why not.
import { useEffect, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { focusSoon } from '../focus.js';
import { clock, t } from '../i18n.js';
import { announce, useApp } from '../store.js';
import { Remedy } from './diagnosis.js';
import { EmailState } from './email-state.js';
import { Field } from './field.js';
import { Icon } from './icon.js';
import { Notice } from './notice.js';
import { Time } from './time.js';

const POLL_MS = 600;
const POLL_WAITING_MS = 5000; // deferred or held: the next attempt is minutes away
const SETTLED = ['accepted', 'rejected', 'expired', 'cancelled', 'handed_over'];
const MOVING = ['queued', 'sending', 'accepted'];
const STEPS = ['queued', 'accepted', 'arrived'];

/** The email as it stands, read again on every event about it and by polling until it has settled. */
function useFollowed(id) {
  const [email, setEmail] = useState(null);
  const { lastEmail } = useApp();
  useEffect(() => {
    if (!id) return undefined;
    let timer = 0;
    let ended = false;
    const read = async () => {
      const now = await api.email(id).catch(() => null);
      if (ended) return;
      if (now) setEmail(now);
      if (!SETTLED.includes(now?.state)) timer = setTimeout(read, now && !MOVING.includes(now.state) ? POLL_WAITING_MS : POLL_MS);
    };
    read();
    return () => { ended = true; clearTimeout(timer); };
  }, [id, lastEmail?.id === id && lastEmail.state]);
  return email?.id === id ? email : null;
}

/** The captured copy, when the sandbox is what we send to. */
function useCaptured(test, inSandbox) {
  const [captured, setCaptured] = useState(null);
  useEffect(() => {
    setCaptured(null);
    if (!inSandbox || test?.state !== 'accepted') return;
    api.captures({ limit: 10 }).then(({ data }) => {
      setCaptured(data.find(({ to }) => [].concat(to).some((one) => one.includes(test.to) || test.to.includes(one))) || null);
    }, () => setCaptured(null));
  }, [test?.id, test?.state, inSandbox]);
  return captured;
}

/** What is shown: the mail sent just now, or else the last one the service knows of. { id, to, at, state, there: in the outbox still, arrived, folder, email } */
function testOf(email, last) {
  const known = last && (!email || last.email_id === email.id) && (last.state || last.arrived_at) ? last : null; // its record may be gone
  if (!email && !known) return null;
  return {
    id: email?.id ?? known.email_id, to: email ? [].concat(email.to)[0] : known.to, at: email?.created_at ?? known.sent_at,
    state: known?.arrived_at ? 'accepted' : email?.state ?? known.state, there: Boolean(email || known.state), arrived: known?.arrived_at ?? null, folder: known?.folder ?? null, email,
  };
}

const Step = ({ name, state }) => html`
  <li class=${state}><${Icon} name=${{ past: 'check', here: 'spinner', waits: 'clock' }[state] ?? 'dash'} spin=${state === 'here'} />${t(`test.step.${name}`)}</li>`;

/** past: done; here: under way; waits: for the click of the person. */
function stepState(name, test) {
  const accepted = test.state === 'accepted';
  if (name === 'queued') return accepted || test.state !== 'queued' ? 'past' : 'here';
  if (name === 'accepted') return accepted ? 'past' : ['queued', 'sending'].includes(test.state) ? 'here' : '';
  return test.arrived ? 'past' : accepted ? 'waits' : '';
}

function toHeaders() {
  document.getElementById('header-check').open = true; // what is in it comes then
  focusSoon('headers_text');
}

function Arrival({ test }) {
  if (test.folder === 'spam') {
    return html`<${Notice} tone="warn"><p>${t('test.in_spam')}</p><button type="button" class="small" onClick=${toHeaders}>${t('test.why_spam')}</button><//>`;
  }
  return html`<${Notice} tone=${test.arrived ? 'good' : 'info'}>${t(test.arrived ? 'test.in_inbox' : 'test.click_link')}<//>`;
}

/** Why the last attempt failed: as the service has it of the settings in force, with what mends them, where it is the same. */
function reasonOf(attempt, failure) {
  const own = attempt?.diagnosis;
  return own && failure?.diagnosis?.id === own.id ? failure.diagnosis : own;
}

function Progress({ test, captured, failure }) {
  const recipient = test.email?.recipients?.[0];
  const reason = reasonOf(recipient?.attempts_log?.at(-1), failure);
  const accepted = test.state === 'accepted';
  return html`
    <div class="test-progress" data-state=${test.state} data-arrived=${test.folder ?? ''}>
      <p class="hint">${t('test.sent_to', { to: readable(test.to) })} <${Time} at=${test.at} near /></p>
      <ol class="steps" aria-label=${t('test.progress')}>${STEPS.map((name) => html`<${Step} key=${name} name=${name} state=${stepState(name, test)} />`)}</ol>
      ${accepted ? html`<${Arrival} test=${test} />` : html`
        <p class="test-now"><${EmailState} state=${test.state} /> <span>${t(`state.${test.state}.means`)}</span></p>`}
      ${reason && !accepted && html`<p>${reason.meaning} ${reason.fix}</p><${Remedy} diagnosis=${reason} />`}
      ${!MOVING.includes(test.state) && recipient?.next_attempt_at && reason?.id !== 'former_sender' && html`<p class="hint">${t('test.next_attempt', { time: clock(recipient.next_attempt_at) })}</p>`}
      <p class="links">
        ${captured && html`<a href=${`#/sandbox/${captured.id}`}>${t('test.captured')}</a>`}
        ${test.there && html`<a href=${`#/outbox/${test.id}`}>${t('test.details')}</a>`}
      </p>
    </div>`;
}

function faultOf(to) {
  if (/@.*[,;\s].*@/.test(to)) return 'fault.one_address';
  return /^[^\s@,;]+@[^\s@,;]+$/.test(to) ? '' : 'fault.invalid_address';
}

/** What is said of the moments of a test, once each. */
function useAnnounced(test, id) {
  const words = test && test.id === id && (test.arrived ? t(test.folder === 'spam' ? 'test.in_spam' : 'test.in_inbox') : t(`state.${test.state}`));
  useEffect(() => { if (words) announce(`${t('test.title')}: ${words}`); }, [words]);
}

export function TestMail({ smtp, member, inSandbox }) {
  const [to, setTo] = useState(member?.email ?? '');
  const [fault, setFault] = useState('');
  const [problem, setProblem] = useState('');
  const [id, setId] = useState(null);
  const [asked, setAsked] = useState(false);
  const last = smtp.last_test;
  const email = useFollowed(id ?? (last?.state && last.state !== 'accepted' ? last.email_id : null)); // after a reload too, it says why
  const test = asked && !email ? null : testOf(email, last);
  const captured = useCaptured(test, inSandbox);
  const possible = Boolean(smtp.sending_with);
  useAnnounced(test, id);

  const submit = async (event) => {
    event.preventDefault();
    setProblem('');
    const wrong = faultOf(to.trim());
    setFault(wrong && t(wrong));
    if (wrong) {
      document.getElementById('test_to').focus();
      return;
    }
    setAsked(true); // the mail before has nothing to do with what comes now
    setId(null);
    try {
      setId((await api.sendTest(to.trim())).id);
    } catch (error) {
      setAsked(false);
      setProblem(errorText(error));
    }
  };

  return html`
    <section class="card" id="test-mail-card" aria-labelledby="test-title">
      <h2 id="test-title" tabindex="-1">${t('test.title')}</h2>
      ${possible && last && !last.is_current && !id && html`<${Notice} tone="warn">${t('test.changed')}<//>`}
      ${!possible ? html`<p class="hint">${t('test.not_yet')}</p>` : !smtp.sending.enabled && html`<p class="hint">${t('test.hint')}</p>`}
      <form onSubmit=${submit} novalidate>
        <${Field} id="test_to" inputmode="email" spellcheck="false" autocapitalize="off" label=${t('test.to')} required value=${to} onValue=${setTo} fault=${fault}
          autocomplete="email" disabled=${!possible} />
        <button type="submit" disabled=${!possible}><${Icon} name="send" />${t('test.send')}</button>
      </form>
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      ${test && html`<${Progress} test=${test} captured=${captured} failure=${smtp.last_failure} />`}
    </section>`;
}
