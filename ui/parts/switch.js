// The switch for mail sending: on or off, since when, by whom and why, what waits, and what it means for customers.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { moment, t } from '../i18n.js';
import { changedBy, pausedText, waitingCount } from '../paused.js';
import { announce, takeSmtp } from '../store.js';
import { Field } from './field.js';
import { faultOfMoment, MomentField, momentOf } from './moment-field.js';
import { Notice } from './notice.js';
import { holdsAny, Resume } from './resume.js';

/**
 * Switching on, for whatever asks for it: at once if nothing waits, else after a look at what would go out.
 * { preview, done, problem, ask(), confirm(classes), close() }; done: how many recipients were dropped, null: not switched on here.
 */
export function useResume() {
  const [state, setState] = useState({ preview: null, done: null, problem: '' });
  const attempt = async (action) => {
    try {
      await action();
    } catch (error) {
      setState({ preview: null, done: null, problem: errorText(error) });
    }
  };
  const switchOn = async (classes) => {
    const answer = await api.setSending({ enabled: true, ...(classes.length && { cancel_classes: classes }) });
    takeSmtp(answer);
    const done = answer.cancelled ?? 0;
    announce([t('switch.now_on'), done > 0 && t('resume.dropped', { n: done })].filter(Boolean).join(' '));
    setState({ preview: null, done, problem: '' });
  };
  return {
    ...state,
    ask: () => attempt(async () => {
      const preview = await api.sendingPreview();
      if (holdsAny(preview)) setState({ preview, done: null, problem: '' });
      else await switchOn([]);
    }),
    confirm: (classes) => attempt(() => switchOn(classes)),
    close: () => setState({ preview: null, done: null, problem: '' }),
  };
}

function PauseForm({ onPaused, onClose }) {
  const [values, setValues] = useState({ reason: '', until: '' });
  const [faults, setFaults] = useState({});
  const [problem, setProblem] = useState('');
  const set = (name) => (value) => {
    setValues((now) => ({ ...now, [name]: value }));
    setFaults((now) => ({ ...now, [name]: '' }));
  };

  const submit = async (event) => {
    event.preventDefault();
    const fault = faultOfMoment('pause_until', values.until);
    setFaults({ until: fault });
    if (fault) {
      document.getElementById('pause_until').focus();
      return;
    }
    const [reason, until] = [values.reason.trim(), momentOf(values.until)];
    try {
      takeSmtp(await api.setSending({ enabled: false, ...(reason && { reason }), ...(until && { until }) }));
      announce(t('switch.now_off'));
      onPaused();
    } catch (error) {
      const known = error.errors?.filter(({ pointer }) => ['/reason', '/until'].includes(pointer)) ?? [];
      setFaults(Object.fromEntries(known.map(({ pointer, detail }) => [pointer.slice(1), detail])));
      setProblem(known.length ? '' : errorText(error));
    }
  };

  return html`
    <form class="ask" onSubmit=${submit} novalidate>
      <${Notice} tone="warn">${t('switch.warning')} ${t('switch.nothing_lost')}<//>
      <${Field} id="pause_reason" label=${t('switch.reason')} optional maxlength="200" value=${values.reason} onValue=${set('reason')} fault=${faults.reason} />
      <${MomentField} id="pause_until" label=${t('switch.end')} optional hint=${t('switch.end.hint')} value=${values.until} onValue=${set('until')} fault=${faults.until} />
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      <div class="buttons">
        <button type="submit" class="danger">${t('switch.off')}</button>
        <button type="button" onClick=${onClose}>${t('action.cancel')}</button>
      </div>
    </form>`;
}

export function SendingSwitch({ smtp, resume }) {
  const [asking, setAsking] = useState(false);
  const heading = useRef(null);
  const { sending } = smtp;
  const on = sending.enabled;
  const possible = on || Boolean(smtp.sending_with);
  const waiting = waitingCount(smtp);
  const previewed = Boolean(resume.preview) && !on;
  useEffect(() => { if (previewed) heading.current?.focus(); }, [previewed]); // wherever it was asked for
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
      ${previewed && html`<${Resume} preview=${resume.preview} restored=${sending.reason === 'restored'} headingRef=${heading} onConfirm=${resume.confirm} onClose=${resume.close} />`}
      ${asking && on && html`<${PauseForm} onPaused=${() => setAsking(false)} onClose=${() => setAsking(false)} />`}
      ${resume.problem && html`<${Notice} tone="bad" role="alert">${resume.problem}<//>`}
    </section>`;
}
