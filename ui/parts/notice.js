// A boxed sentence with a tone: info, good, warn, bad.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Icon } from './icon.js';

const ICONS = { info: 'info', good: 'check', warn: 'alert', bad: 'cross' };

export const Notice = ({ tone = 'info', children, role }) => html`
  <div class=${`notice ${tone}`} role=${role}><${Icon} name=${ICONS[tone]} /><div>${children}</div></div>`;

/** What did not work, and the way to try it once more. */
export const Problem = ({ text, onRetry }) => text && html`
  <${Notice} tone="bad" role="alert"><p>${text}</p>
    ${onRetry && html`<button type="button" class="small" onClick=${onRetry}>${t('unreachable.again')}</button>`}<//>`;
