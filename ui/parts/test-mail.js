// A test mail to any address, followed until the provider has taken it or said why not.
import { useEffect, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { clock, t } from '../i18n.js';
import { announce, useApp } from '../store.js';
import { EmailState } from './email-state.js';
import { Field } from './field.js';
import { Icon } from './icon.js';
import { Notice } from './notice.js';

const POLL_MS = 600;
const POLL_WAITING_MS = 5000; // deferred or held: the next attempt is minutes away
const SETTLED = ['accepted', 'rejected', 'expired', 'cancelled', 'handed_over'];
const STEPS = ['queued', 'sending', 'accepted'];

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
      if (!SETTLED.includes(now?.state)) timer = setTimeout(read, now && !STEPS.includes(now.state) ? POLL_WAITING_MS : POLL_MS);
    };
    read();
    return () => { ended = true; clearTimeout(timer); };
  }, [id, lastEmail?.id === id && lastEmail.state]);
  return email?.id === id ? email : null;
}

/** The captured copy, when the sandbox is what we send to. */
function useCaptured(email, inSandbox) {
  const [captured, setCaptured] = useState(null);
  useEffect(() => {
    setCaptured(null);
    if (!inSandbox || email?.state !== 'accepted') return;
    const wanted = [].concat(email.to)[0];
    api.captures({ limit: 10 }).then(({ data }) => {
      setCaptured(data.find(({ to }) => [].concat(to).some((one) => one.includes(wanted) || wanted.includes(one))) || null);
    }, () => setCaptured(null));
  }, [email?.id, email?.state, inSandbox]);
  return captured;
}

function Progress({ email, captured }) {
  const reached = email.state === 'accepted' ? 2 : email.state === 'sending' ? 1 : 0;
  const recipient = email.recipients?.[0];
  const last = recipient?.attempts_log?.at?.(-1);
  const stuck = !STEPS.includes(email.state);
  return html`
    <div class="test-progress" data-state=${email.state}>
      <ol class="steps" aria-label=${t('test.progress')}>
        ${STEPS.map((name, i) => html`
          <li class=${i < reached || email.state === 'accepted' ? 'past' : i === reached ? 'here' : ''} key=${name}>
            <${Icon} name=${i < reached || email.state === 'accepted' ? 'check' : i === reached && !stuck ? 'spinner' : 'dash'}
              spin=${i === reached && !stuck && email.state !== 'accepted'} />${t(`test.step.${name}`)}</li>`)}
      </ol>
      <p class="test-now"><${EmailState} state=${email.state} />
        <span>${t(`state.${email.state}.means`)}</span></p>
      ${last?.diagnosis && email.state !== 'accepted' && html`
        <p>${last.diagnosis.meaning} ${last.diagnosis.fix}</p>`}
      ${stuck && recipient?.next_attempt_at && html`
        <p class="hint">${t('test.next_attempt', { time: clock(recipient.next_attempt_at) })}</p>`}
      <p class="links">
        ${captured && html`<a href=${`#/sandbox/${captured.id}`}>${t('test.captured')}</a>`}
        <a href=${`#/outbox/${email.id}`}>${t('test.details')}</a>
      </p>
    </div>`;
}

function faultOf(to) {
  if (/@.*[,;\s].*@/.test(to)) return 'fault.one_address';
  return /^[^\s@,;]+@[^\s@,;]+$/.test(to) ? '' : 'fault.invalid_address';
}

export function TestMail({ smtp, member, inSandbox }) {
  const [to, setTo] = useState(member?.email ?? '');
  const [fault, setFault] = useState('');
  const [problem, setProblem] = useState('');
  const [id, setId] = useState(null);
  const email = useFollowed(id);
  const captured = useCaptured(email, inSandbox);
  const possible = Boolean(smtp.sending_with);

  useEffect(() => {
    if (email) announce(`${t('test.title')}: ${t(`state.${email.state}`)}`);
  }, [email?.state]);

  const submit = async (event) => {
    event.preventDefault();
    setProblem('');
    setId(null); // the mail before has nothing to do with what comes now
    const wrong = faultOf(to.trim());
    if (wrong) {
      setFault(t(wrong));
      document.getElementById('test_to').focus();
      return;
    }
    setFault('');
    try {
      setId((await api.sendTest(to.trim())).id);
    } catch (error) {
      setProblem(errorText(error));
    }
  };

  return html`
    <section class="card" aria-labelledby="test-title">
      <h2 id="test-title">${t('test.title')}</h2>
      ${!possible ? html`<p class="hint">${t('test.not_yet')}</p>` : !smtp.sending.enabled && html`<p class="hint">${t('test.hint')}</p>`}
      <form onSubmit=${submit} novalidate>
        <${Field} id="test_to" inputmode="email" spellcheck="false" autocapitalize="off" label=${t('test.to')} required value=${to} onValue=${setTo} fault=${fault}
          autocomplete="email" disabled=${!possible} />
        <button type="submit" disabled=${!possible}><${Icon} name="send" />${t('test.send')}</button>
      </form>
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      ${email && html`<${Progress} email=${email} captured=${captured} />`}
    </section>`;
}
