// Sent again after the provider's answer was lost: it may have arrived before.
import { html } from '../html.js';
import { t } from '../i18n.js';

export const MaybeTwice = () => html`<span class="tag twice" title=${t('twice.means')}>${t('twice.label')}</span>`;
