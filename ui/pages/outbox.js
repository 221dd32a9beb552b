// Outbox: every email handed over, by state, searchable, page by page.
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { t } from '../i18n.js';
import { EmailState, EMAIL_STATES } from '../parts/email-state.js';
import { Icon } from '../parts/icon.js';
import { Problem } from '../parts/notice.js';
import { Pager, usePages } from '../parts/paged-list.js';
import { Time } from '../parts/time.js';
import { useApp } from '../store.js';

const SEARCH_AFTER_MS = 300;
const REFRESH_AFTER_MS = 1000;

/** Changes at most once a second while emails move. */
function useFresh() {
  const { lastEmail } = useApp();
  const [fresh, setFresh] = useState(0);
  useEffect(() => {
    if (!lastEmail) return undefined;
    const timer = setTimeout(() => setFresh((n) => n + 1), REFRESH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [lastEmail]);
  return fresh;
}

const recipientsOf = ({ to }) => readable([].concat(to).join(', '));

const Row = ({ email }) => html`
  <tr data-email=${email.id}>
    <td class="cell-state"><${EmailState} state=${email.state} /></td>
    <td class="cell-main"><a href=${`#/outbox/${email.id}`} title=${email.subject || undefined}>${email.subject || (email.subject === null ? t('outbox.secret') : t('outbox.no_subject'))}</a>
      ${email.is_test && html` <span class="tag">${t('outbox.test')}</span>`}</td>
    <td class="cell-to" title=${recipientsOf(email)}>${recipientsOf(email)}</td>
    <td class="cell-class">${t(`class.${email.class}`)}</td>
    <td class="cell-time"><${Time} at=${email.created_at} near /></td>
  </tr>`;

export function OutboxPage() {
  const [state, setState] = useState('');
  const [typed, setTyped] = useState('');
  const [search, setSearch] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setSearch(typed.trim()), SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const pages = usePages(
    (query) => api.emails({ ...query, ...(state && { state }), ...(search && { q: search }) }), `${state}|${search}`, useFresh());

  return html`
    <header class="page-head">
      <h1 tabindex="-1">${t('nav.outbox')}</h1>
      <p class="lead">${t('outbox.lead')}</p>
    </header>
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <div class="field">
        <label for="filter_state">${t('outbox.filter')}</label>
        <select id="filter_state" onChange=${(event) => setState(event.currentTarget.value)}>
          <option value="">${t('outbox.all')}</option>
          ${EMAIL_STATES.map((name) => html`<option key=${name} value=${name} selected=${name === state}>${t(`state.${name}`)}</option>`)}
        </select>
      </div>
      <div class="field grow">
        <label for="filter_search">${t('outbox.search')}</label>
        <div class="joined leading"><${Icon} name="search" />
          <input id="filter_search" type="search" value=${typed} onInput=${(event) => setTyped(event.currentTarget.value)} /></div>
      </div>
    </form>
    <${Problem} text=${pages.problem} onRetry=${pages.retry} />
    ${!pages.items && html`<p class="loading">${t('loading')}</p>`}
    ${pages.items?.length === 0 && !pages.problem && html`
      <div class="card empty"><${Icon} name="outbox" /><p>${state || search ? t('outbox.nothing_found') : t('outbox.empty')}</p></div>`}
    ${pages.items?.length > 0 && html`
      <div class="card table-card">
        <table class="list">
          <caption class="unseen">${t('nav.outbox')}</caption>
          <thead><tr>
            <th scope="col" class="cell-state">${t('outbox.state')}</th><th scope="col">${t('outbox.subject')}</th>
            <th scope="col" class="cell-to">${t('outbox.to')}</th><th scope="col" class="cell-class">${t('outbox.class')}</th>
            <th scope="col" class="cell-time">${t('outbox.created')}</th>
          </tr></thead>
          <tbody>${pages.items.map((email) => html`<${Row} key=${email.id} email=${email} />`)}</tbody>
        </table>
      </div>`}
    <${Pager} pages=${pages} />`;
}
