// Where there is no page to show: no such address, or none for this person.
import { html } from '../html.js';
import { t } from '../i18n.js';

export const NotFound = ({ home }) => html`
  <h1 tabindex="-1">${t('not_found.title')}</h1><p><a href=${home}>${t('nowhere.home')}</a></p>`;

export const NotAllowed = ({ home }) => html`
  <header class="page-head"><h1 tabindex="-1">${t('not_allowed.title')}</h1><p class="lead">${t('not_allowed.text')}</p></header>
  <p><a href=${home}>${t('nowhere.home')}</a></p>`;
