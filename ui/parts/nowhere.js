// Where there is no page to show: no such address, none for this person, or it did not come from the server.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Problem } from './notice.js';

export const NotFound = ({ home }) => html`
  <h1 tabindex="-1">${t('not_found.title')}</h1><p><a href=${home}>${t('nowhere.home')}</a></p>`;

export const NotAllowed = ({ home }) => html`
  <header class="page-head"><h1 tabindex="-1">${t('not_allowed.title')}</h1><p class="lead">${t('not_allowed.text')}</p></header>
  <p><a href=${home}>${t('nowhere.home')}</a></p>`;

/** A browser does not ask for a module twice: only a new start does. */
export const NotLoaded = () => html`
  <h1 tabindex="-1">${t('not_loaded.title')}</h1><${Problem} text=${t('error.network')} onRetry=${() => location.reload()} />`;
