// The five states of the setup: icon, words, and what to do now.
import { html } from '../html.js';
import { list, t } from '../i18n.js';
import { readable } from '../domain.js';
import { Icon } from './icon.js';

const LOOKS = {
  not_configured: { tone: 'plain', icon: 'plug', reached: 0 },
  incomplete: { tone: 'info', icon: 'pencil', reached: 1 },
  verifying: { tone: 'info', icon: 'spinner', reached: 2 },
  complete: { tone: 'good', icon: 'check', reached: 3 },
  failed: { tone: 'bad', icon: 'alert', reached: 3 },
};
const WAY = ['not_configured', 'incomplete', 'verifying', 'complete'];

/** Fields by their labels, in one list. */
export const namesOf = (fields) => list(fields.map((name) => t(name === 'security' ? 'facts.encryption' : name.startsWith('per_') ? `quota.${name}` : `settings.${name}`)));

/** What the form holds counts before what the server has got of it. */
/** The settings passed once, but the provider does not take the login any more. */
const refused = ({ setup, breaker }) => setup === 'complete' && Boolean(breaker);

function whatToDo({ setup, missing, sending, sending_with: inForce, breaker }, draft) {
  const wrong = setup === 'verifying' ? [] : draft.wrong();
  if (wrong.length) return t('setup.wrong', { n: wrong.length, fields: namesOf(wrong) });
  const open = setup === 'incomplete' ? draft.missing(missing) : [];
  if (open.length) return t('setup.incomplete.missing', { fields: namesOf(open) });
  if (refused({ setup, breaker })) return t('setup.complete.refused');
  if (setup === 'complete') {
    return sending.enabled ? t('setup.complete.sending', { host: readable(inForce?.host ?? '') }) : t('setup.complete.paused');
  }
  return t(`setup.${setup}.todo`);
}

export function StatusBar({ smtp, draft }) {
  const { reached } = LOOKS[smtp.setup];
  const { tone, icon } = LOOKS[refused(smtp) ? 'failed' : smtp.setup];
  const steps = WAY.map((name, i) => (i === 3 && smtp.setup === 'failed' ? 'failed' : name));
  return html`
    <section class=${`status ${tone}`} aria-labelledby="status-title">
      <div class="status-icon"><${Icon} name=${icon} spin=${smtp.setup === 'verifying'} /></div>
      <div class="status-words">
        <h2 id="status-title" data-setup=${smtp.setup}>${refused(smtp) ? t('health.credential_fault') : t(`setup.${smtp.setup}`)}</h2>
        ${smtp.setup === 'failed' && smtp.sending_with && html`<p class="status-second">${t('setup.failed.not_in_force')}</p>`}
        <p>${whatToDo(smtp, draft)}</p>
      </div>
      <ol class="way" aria-hidden="true">
        ${steps.map((name, i) => html`
          <li class=${i < reached ? 'past' : i === reached ? 'here' : ''}>${t(`setup.${name}.short`)}</li>`)}
      </ol>
    </section>`;
}
