// The five states of the setup: icon, words, and what to do now.
import { html } from '../html.js';
import { list, t } from '../i18n.js';
import { Icon } from './icon.js';

const LOOKS = {
  not_configured: { tone: 'plain', icon: 'plug', reached: 0 },
  incomplete: { tone: 'info', icon: 'pencil', reached: 1 },
  verifying: { tone: 'info', icon: 'spinner', reached: 2 },
  complete: { tone: 'good', icon: 'check', reached: 3 },
  failed: { tone: 'bad', icon: 'alert', reached: 3 },
};
const WAY = ['not_configured', 'incomplete', 'verifying', 'complete'];

function whatToDo({ setup, missing, sending, sending_with: inForce }) {
  if (setup === 'incomplete' && missing.length) {
    return t('setup.incomplete.missing', { fields: list(missing.map((name) => t(`settings.${name}`))) });
  }
  if (setup === 'complete') {
    return sending.enabled ? t('setup.complete.sending', { host: inForce?.host ?? '' }) : t('setup.complete.paused');
  }
  return t(`setup.${setup}.todo`);
}

export function StatusBar({ smtp }) {
  const { tone, icon, reached } = LOOKS[smtp.setup];
  const steps = WAY.map((name, i) => (i === 3 && smtp.setup === 'failed' ? 'failed' : name));
  return html`
    <section class=${`status ${tone}`} aria-labelledby="status-title">
      <div class="status-icon"><${Icon} name=${icon} spin=${smtp.setup === 'verifying'} /></div>
      <div class="status-words">
        <h2 id="status-title" data-setup=${smtp.setup}>${t(`setup.${smtp.setup}`)}</h2>
        <p>${whatToDo(smtp)}</p>
      </div>
      <ol class="way" aria-hidden="true">
        ${steps.map((name, i) => html`
          <li class=${i < reached ? 'past' : i === reached ? 'here' : ''}>${t(`setup.${name}.short`)}</li>`)}
      </ol>
    </section>`;
}
