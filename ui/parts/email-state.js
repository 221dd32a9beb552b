// The state of an email or a recipient as a badge: icon and word, never colour alone.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';

const LOOKS = {
  scheduled: ['info', 'clock'], queued: ['info', 'outbox'], sending: ['info', 'send'],
  deferred: ['warn', 'clock'], held: ['warn', 'pause'], uncertain: ['warn', 'alert'],
  accepted: ['good', 'check'], rejected: ['bad', 'cross'], expired: ['bad', 'clock'],
  cancelled: ['plain', 'dash'], handed_over: ['plain', 'user'],
};

/** In the order a person thinks of them; also the choices of the outbox filter. */
export const EMAIL_STATES = ['queued', 'sending', 'scheduled', 'held', 'deferred', 'uncertain', 'accepted', 'rejected', 'expired',
  'cancelled', 'handed_over'];

/** The most urgent first. */
export const EMAIL_CLASSES = ['reset', 'invitation', 'transactional', 'notification', 'bulk'];

export const isWaiting = (state) => ['scheduled', 'queued', 'sending', 'deferred', 'held', 'uncertain'].includes(state);

/** States from which a recipient can be tried again at once; what is held is tried when the hold ends. */
export const RETRYABLE = ['deferred', 'uncertain', 'rejected', 'expired'];

export const mayRetry = ({ recipients }) => recipients.some(({ state }) => RETRYABLE.includes(state));

/** True if trying it again may make two of it. What is sent at most once is never tried again. */
export const mayArriveTwice = ({ delivery, recipients }) => delivery !== 'at_most_once' && recipients.some(({ state }) => state === 'uncertain');

/** reason: why mail is held at this moment, if somebody knows. */
export function EmailState({ state, reason = null }) {
  const [tone, icon] = LOOKS[state] || ['plain', 'dash'];
  const why = state === 'held' && reason ? t(`held.${reason}`) : t(`state.${state}`);
  return html`<span class=${`badge ${tone}`} data-held=${state === 'held' ? reason : undefined}><${Icon} name=${state === 'held' && reason === 'quota' ? 'clock' : icon} />${why}</span>`;
}
