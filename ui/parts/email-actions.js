// What a person can do with one email: try it again, send it at another time, or not at all.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { announce } from '../store.js';
import { isWaiting, RETRYABLE } from './email-state.js';
import { faultOfMoment, fieldOf, MomentField, momentOf } from './moment-field.js';
import { Notice } from './notice.js';
import { Question } from './question.js';

function TimeForm({ email, busy, onChoose, onClose }) {
  const [value, setValue] = useState(fieldOf(email.scheduled_at));
  const [fault, setFault] = useState('');
  useLayoutEffect(() => { document.getElementById('new_time')?.focus(); }, []);
  const submit = (event) => {
    event.preventDefault();
    const wrong = faultOfMoment('new_time', value, true);
    setFault(wrong);
    if (wrong) document.getElementById('new_time').focus();
    else onChoose(momentOf(value));
  };
  return html`
    <form class="card ask" onSubmit=${submit} novalidate aria-label=${t('email.change_time')}>
      <${MomentField} id="new_time" label=${t('email.new_time')} value=${value} fault=${fault} onValue=${(next) => { setValue(next); setFault(''); }} />
      <div class="buttons">
        <button type="submit" class="primary" disabled=${busy}>${t('email.save_time')}</button>
        <button type="button" disabled=${busy} onClick=${() => onChoose(null)}>${t('email.send_now')}</button>
        <button type="button" disabled=${busy} onClick=${onClose}>${t('action.cancel')}</button>
      </div>
    </form>`;
}

/** What became of it: an attempt whose end nobody knows cannot be taken back. */
const cancelledText = ({ state }) => t(state === 'cancelled' ? 'email.cancelled' : state === 'uncertain' ? 'email.cancelled_uncertain' : 'email.cancelled_rest');

/** explanation: null while it is not there yet; then the state alone says what is offered. */
export function EmailActions({ email, explanation, onChanged }) {
  const [asking, setAsking] = useState('');
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState('');
  const [problem, setProblem] = useState('');
  const states = email.recipients.map(({ state }) => state);
  const offers = (code) => !explanation || explanation.changes.some((change) => change.code === code);
  const can = {
    retry: offers('retry') && states.some((state) => RETRYABLE.includes(state)),
    time: offers('reschedule') && states.includes('scheduled'),
    cancel: offers('cancel') && isWaiting(email.state) && email.state !== 'sending',
  };
  useEffect(() => { setAsking(''); }, [email.state]); // what was asked may be settled

  const run = async (action, words) => {
    setBusy(true);
    setProblem('');
    setResult('');
    try {
      const answer = await action();
      const said = words(answer);
      setAsking('');
      setResult(said);
      announce(said);
      onChanged(answer);
    } catch (error) {
      setAsking('');
      setProblem(errorText(error));
    }
    setBusy(false);
  };
  const retry = () => run(() => api.retryEmail(email.id), ({ retried }) => t('email.retried', { n: retried }));
  const cancel = () => run(() => api.cancelEmail(email.id), cancelledText);
  const choose = (at) => run(() => api.rescheduleEmail(email.id, at), () => (at ? t('email.moved', { time: moment(at) }) : t('email.moved_now')));

  return html`
    ${(can.retry || can.time || can.cancel) && !asking && html`
      <div class="buttons actions">
        ${can.retry && html`<button type="button" class="primary" disabled=${busy} onClick=${() => (states.includes('uncertain') ? setAsking('retry') : retry())}>${t('email.retry')}</button>`}
        ${can.time && html`<button type="button" onClick=${() => setAsking('time')}>${t('email.change_time')}</button>`}
        ${can.cancel && html`<button type="button" class="danger" onClick=${() => setAsking('cancel')}>${t('email.cancel')}</button>`}
      </div>`}
    ${asking === 'retry' && can.retry && html`
      <${Question} id="retry-question" text=${t('email.retry_sure')} button=${t('email.retry')} busy=${busy} onYes=${retry} onNo=${() => setAsking('')} no=${t('action.cancel')} />`}
    ${asking === 'cancel' && can.cancel && html`
      <${Question} id="cancel-question" text=${t('email.cancel_sure')} button=${t('email.cancel')} danger busy=${busy} onYes=${cancel} onNo=${() => setAsking('')} no=${t('email.keep')} />`}
    ${asking === 'time' && can.time && html`<${TimeForm} email=${email} busy=${busy} onChoose=${choose} onClose=${() => setAsking('')} />`}
    ${result && html`<div class="action-result"><${Notice} tone="good">${result}<//></div>`}
    ${problem && html`<div class="action-result"><${Notice} tone="bad" role="alert">${problem}<//></div>`}`;
}
