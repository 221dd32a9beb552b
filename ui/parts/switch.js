// The switch for mail sending: on or off, since when and by whom, what waits, and what it means for customers.
import { useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { readable } from '../domain.js';
import { html } from '../html.js';
import { dateTime, t } from '../i18n.js';
import { announce, takeSmtp } from '../store.js';
import { Field } from './field.js';
import { Notice } from './notice.js';
import { Time } from './time.js';

export const waitingCount = ({ waiting }) =>
  (waiting.held || 0) + (waiting.queued || 0) + (waiting.deferred || 0) + (waiting.sending || 0);

const changedBy = (who) => (who === 'operator' ? t('switch.changed_by_operator') : who === 'API' ? t('switch.changed_by_api')
  : who === 'schedule' ? t('switch.changed_by_schedule') : who ? t('switch.changed_by', { who: readable(who) }) : t('switch.changed'));

/** Used by the switch, by the banner and by the offer after the first success. */
export async function setSending(enabled, reason) {
  takeSmtp(await api.setSending(reason ? { enabled, reason } : { enabled }));
  announce(t(enabled ? 'switch.now_on' : 'switch.now_off'));
}

export function SendingSwitch({ smtp }) {
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState('');
  const { sending } = smtp;
  const on = sending.enabled;
  const possible = on || Boolean(smtp.sending_with);
  const waiting = waitingCount(smtp);

  const change = async (enabled) => {
    try {
      await setSending(enabled, enabled ? '' : reason.trim());
      setAsking(false);
      setReason('');
      setProblem('');
    } catch (error) {
      setProblem(errorText(error));
    }
  };

  return html`
    <section class="card" aria-labelledby="switch-title">
      <div class="switch-row">
        <div>
          <h2 id="switch-title">${t('switch.title')}</h2>
          <p class="hint" id="switch-state">${on ? t('switch.is_on') : t('switch.is_off')}</p>
        </div>
        <button type="button" role="switch" class="switch" aria-checked=${on ? 'true' : 'false'} aria-labelledby="switch-title"
          aria-describedby="switch-state" disabled=${!possible}
          onClick=${() => (on ? setAsking(!asking) : change(true))}><span></span></button>
      </div>
      ${sending.changed_at && sending.reason !== 'initial' && html`
        <p class="hint">${changedBy(sending.changed_by)}
          ${' '}<${Time} at=${sending.changed_at} near />
          ${!on && sending.reason && html` · ${t('switch.reason_is', { reason: sending.reason })}`}
          ${!on && sending.until && html` · ${t('switch.until', { time: dateTime(sending.until) })}`}</p>`}
      ${!possible && html`<p class="hint">${t('switch.not_yet')}</p>`}
      ${!on && possible && html`<${Notice} tone="warn">${t('switch.warning')}<//>`}
      ${waiting > 0 && html`<p class="waiting"><a href="#/outbox">${t('switch.waiting', { n: waiting })}</a></p>`}
      ${asking && on && html`
        <form class="ask" onSubmit=${(event) => { event.preventDefault(); change(false); }}>
          <${Notice} tone="warn">${t('switch.warning')} ${t('switch.nothing_lost')}<//>
          <${Field} id="pause_reason" label=${t('switch.reason')} optional maxlength="200" value=${reason} onValue=${setReason} />
          <div class="buttons">
            <button type="submit" class="danger">${t('switch.off')}</button>
            <button type="button" onClick=${() => setAsking(false)}>${t('action.cancel')}</button>
          </div>
        </form>`}
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
    </section>`;
}
