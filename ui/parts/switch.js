// The switch for mail sending: on or off, since when, by whom and why, what waits, and what it means for customers.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { changedBy, pausedText, waitingCount } from '../paused.js';
import { Later } from './later.js';
import { Notice } from './notice.js';

const pauseForm = () => import('./pause-form.js');
const resumeForm = () => import('./resume.js');

export function SendingSwitch({ smtp, resume }) {
  const [asking, setAsking] = useState(false);
  const { sending } = smtp;
  const on = sending.enabled;
  const possible = on || Boolean(smtp.sending_with);
  const waiting = waitingCount(smtp);
  const previewed = Boolean(resume.preview) && !on;
  useEffect(() => { setAsking(false); }, [on]);

  const press = () => {
    if (on) setAsking(!asking);
    else if (previewed) resume.close();
    else resume.ask();
  };

  return html`
    <section class="card" aria-labelledby="switch-title">
      <div class="switch-row">
        <div>
          <h2 id="switch-title">${t('switch.title')}</h2>
          <p class="hint" id="switch-state">${!on ? t('switch.is_off') : smtp.breaker ? t('switch.is_held') : t('switch.is_on')}</p>
        </div>
        <button type="button" role="switch" class="switch" aria-checked=${on ? 'true' : 'false'} aria-labelledby="switch-title"
          aria-describedby="switch-state" disabled=${!possible} onClick=${press}><span></span></button>
      </div>
      ${sending.changed_at && sending.reason !== 'initial' && html`
        <p class="hint paused-by">${on ? changedBy(sending.changed_by, moment(sending.changed_at)) : pausedText(sending)}</p>`}
      ${!possible && html`<p class="hint">${t('switch.not_yet')}</p>`}
      ${!on && possible && !previewed && html`<${Notice} tone="warn">${t('switch.warning')}<//>`}
      ${waiting > 0 && !previewed && html`<p class="waiting"><a href="#/outbox">${t('switch.waiting', { n: waiting })}</a></p>`}
      ${on && resume.done > 0 && html`<${Notice} tone="good">${t('resume.dropped', { n: resume.done })}<//>`}
      ${previewed && html`<${Later} load=${resumeForm} show=${({ Resume }) => html`
        <${Resume} preview=${resume.preview} restored=${sending.reason === 'restored'} onConfirm=${resume.confirm} onClose=${resume.close} />`} />`}
      ${asking && on && html`<${Later} load=${pauseForm} show=${({ PauseForm }) => html`<${PauseForm} onClose=${() => setAsking(false)} />`} />`}
      ${resume.problem && html`<${Notice} tone="bad" role="alert">${resume.problem}<//>`}
    </section>`;
}
