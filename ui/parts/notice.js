// A boxed sentence with a tone: info, good, warn, bad.
import { html } from '../html.js';
import { Icon } from './icon.js';

const ICONS = { info: 'info', good: 'check', warn: 'alert', bad: 'cross' };

export const Notice = ({ tone = 'info', children, role }) => html`
  <div class=${`notice ${tone}`} role=${role}><${Icon} name=${ICONS[tone]} /><div>${children}</div></div>`;
