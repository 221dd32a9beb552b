// Outbox: every email handed over, by state and class, searchable, page by page; several at once can be tried again or cancelled.
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.js';
import { html } from '../html.js';
import { readable } from '../domain.js';
import { needTexts, t } from '../i18n.js';
import { Bulk, useSelection } from '../parts/bulk.js';
import { EmailState, EMAIL_CLASSES, EMAIL_STATES } from '../parts/email-state.js';
import { Icon } from '../parts/icon.js';
import { MaybeTwice } from '../parts/maybe-twice.js';
import { Problem } from '../parts/notice.js';
import { Pager, usePages } from '../parts/paged-list.js';
import { Time } from '../parts/time.js';
import { useFilters } from '../parts/filters.js';
import { useApp } from '../store.js';
import { needStyles } from '../styles.js';

await Promise.all([needTexts('mails'), needStyles('lists', 'mails')]);

const REFRESH_AFTER_MS = 1000;

/** Changes at most once a second while emails move, and when all of them are held or let go. */
function useFresh() {
  const { lastEmail, smtp } = useApp();
  const [fresh, setFresh] = useState(0);
  useEffect(() => {
    if (!lastEmail) return undefined;
    const timer = setTimeout(() => setFresh((n) => n + 1), REFRESH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [lastEmail]);
  return `${fresh}|${smtp?.held_reason ?? ''}`;
}

const recipientsOf = ({ to }) => readable([].concat(to).join(', '));
const subjectOf = (email) => email.subject || (email.subject === null ? t('outbox.secret') : t('outbox.no_subject'));

const Row = ({ email, selection, held }) => html`
  <tr data-email=${email.id} class=${selection.has(email.id) ? 'picked' : ''}>
    <td class="cell-pick"><label class="pick"><input type="checkbox" checked=${selection.has(email.id)} onChange=${() => selection.toggle(email.id)}
      aria-label=${t('bulk.pick', { subject: subjectOf(email) })} /></label></td>
    <td class="cell-state"><${EmailState} state=${email.state} reason=${held} /></td>
    <td class="cell-main"><a href=${`#/outbox/${email.id}`} title=${email.subject || undefined}>${subjectOf(email)}</a>
      ${email.is_test && html` <span class="tag">${t('outbox.test')}</span>`}${email.possible_duplicate && html` <${MaybeTwice} />`}</td>
    <td class="cell-to" title=${recipientsOf(email)}>${recipientsOf(email)}</td>
    <td class="cell-class">${t(`class.${email.class}`)}</td>
    <td class="cell-time"><${Time} at=${email.created_at} near /></td>
  </tr>`;

const Choice = ({ id, label, kind, names, value, onValue }) => html`
  <div class="field">
    <label for=${id}>${label}</label>
    <select id=${id} onChange=${(event) => onValue(event.currentTarget.value)}>
      <option value="" selected=${value === ''}>${t('outbox.all')}</option>
      ${names.map((name) => html`<option key=${name} value=${name} selected=${name === value}>${t(`${kind}.${name}`)}</option>`)}
    </select>
  </div>`;

const Table = ({ emails, selection, held }) => html`
  <div class="card table-card">
    <table class="list">
      <caption class="unseen">${t('nav.outbox')}</caption>
      <thead><tr>
        <td class="cell-pick"></td><th scope="col" class="cell-state">${t('outbox.state')}</th><th scope="col">${t('outbox.subject')}</th>
        <th scope="col" class="cell-to">${t('outbox.to')}</th><th scope="col" class="cell-class">${t('outbox.class')}</th>
        <th scope="col" class="cell-time">${t('outbox.created')}</th>
      </tr></thead>
      <tbody>${emails.map((email) => html`<${Row} key=${email.id} email=${email} selection=${selection} held=${held} />`)}</tbody>
    </table>
  </div>`;

export function OutboxPage() {
  const { smtp } = useApp();
  const { state, kind, search, typed, set } = useFilters();
  const filter = { ...(state && { state }), ...(kind && { class: kind }), ...(search && { q: search }) };
  const key = `${state}|${kind}|${search}`;
  const pages = usePages((query) => api.emails({ ...query, ...filter }), key, useFresh());
  const selection = useSelection(pages.items ?? [], key);

  return html`
    <header class="page-head">
      <h1 tabindex="-1">${t('nav.outbox')}</h1>
      <p class="lead">${t('outbox.lead')}</p>
    </header>
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <${Choice} id="filter_state" label=${t('outbox.filter')} kind="state" names=${EMAIL_STATES} value=${state} onValue=${set('state')} />
      <${Choice} id="filter_class" label=${t('outbox.class')} kind="class" names=${EMAIL_CLASSES} value=${kind} onValue=${set('class')} />
      <div class="field grow">
        <label for="filter_search">${t('outbox.search')}</label>
        <div class="joined leading"><${Icon} name="search" />
          <input id="filter_search" type="search" value=${typed} onInput=${(event) => set('q')(event.currentTarget.value)} /></div>
      </div>
    </form>
    <${Problem} text=${pages.problem} onRetry=${pages.retry} />
    ${!pages.items && html`<p class="loading">${t('loading')}</p>`}
    ${pages.items?.length === 0 && !pages.problem && html`
      <div class="card empty"><${Icon} name="outbox" /><p>${state || kind || search ? t('outbox.nothing_found') : t('outbox.empty')}</p></div>`}
    ${pages.items && html`<${Bulk} selection=${selection} filter=${filter} more=${pages.more || !pages.first} onDone=${pages.retry} />`}
    ${pages.items?.length > 0 && html`<${Table} emails=${pages.items} selection=${selection} held=${smtp?.held_reason ?? null} />`}
    <${Pager} pages=${pages} />`;
}
