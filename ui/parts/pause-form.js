// Pausing mail sending: why, and until when.
import { useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { needTexts, t } from '../i18n.js';
import { announce, takeSmtp } from '../store.js';
import { Field } from './field.js';
import { faultOfMoment, MomentField, momentOf } from './moment-field.js';
import { Notice } from './notice.js';

await needTexts('tools');

export function PauseForm({ onClose }) {
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
      onClose();
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
