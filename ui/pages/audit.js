// The audit log: who did what, when and from where; searchable, page by page, and proof that nothing was changed afterwards.
import { useEffect, useState } from 'preact/hooks';
import { admin } from '../admin-api.js';
import { errorText } from '../api.js';
import { deviceOf } from '../device.js';
import { readable } from '../domain.js';
import { html } from '../html.js';
import { moment, t, textOr } from '../i18n.js';
import { Icon } from '../parts/icon.js';
import { Notice, Problem } from '../parts/notice.js';
import { Pager, usePages } from '../parts/paged-list.js';
import { Time } from '../parts/time.js';
import { announce } from '../store.js';
import { needStyles } from '../styles.js';

await needStyles('lists', 'admin');

const HERE = '#/audit';
const SEARCH_AFTER_MS = 300;
const NAMES = ['action', 'actor', 'since', 'until'];
/** Beginnings of actions, as a person groups them. */
const KINDS = ['session.', 'password.', 'reset.', 'member.', 'invitation.', 'token.', 'webhook.', 'template.', 'organisation.', 'smtp.', 'email', 'notice.', 'date.', 'backup.', 'key.', 'sandbox.', 'setup.'];

function kindText(kind) {
  const key = kind.replace('.', '');
  return t(`audit.kind.${key}`);
}

function readAddress() {
  const query = new URLSearchParams(location.hash.split('?')[1] ?? '');
  return Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? '']));
}

function writeAddress(filters) {
  const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value)).toString();
  const wanted = query ? `${HERE}?${query}` : HERE;
  if (location.hash.split('?')[0] === HERE && location.hash !== wanted) history.replaceState(null, '', wanted);
}

/** What is looked for is part of the address. { typed, sought, set(name) }: sought comes a moment behind what is typed. */
function useSearch() {
  const [typed, setTyped] = useState(readAddress);
  const [sought, setSought] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => {
      setSought(typed);
      writeAddress(typed);
    }, SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    const read = () => { if (location.hash.split('?')[0] === HERE) setTyped(readAddress()); };
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return { typed, sought, set: (name) => (event) => { const { value } = event.currentTarget; setTyped((now) => ({ ...now, [name]: value })); } };
}

/** The first moment of a day in the time of this place; more: of the day that many days later, and '' without a day. */
function startOf(day, more = 0) {
  if (!day) return '';
  const at = new Date(`${day}T00:00`);
  at.setDate(at.getDate() + more);
  return at.toISOString();
}

/** Whose detail consists of words of the server's own; elsewhere it may be a name that somebody chose. */
const WORDED = /^(member\.removed$|invitation\.|smtp\.(draft_changed|verified)$|token\.changed$|webhook\.changed$|session\.ended$)/;

function wordOf(word) {
  const key = word.replaceAll(' ', '_');
  return textOr(`audit.word.${key}`, readable(word));
}

/** "role: member → org_admin": the field's name in words, and what it was and is, where that is a word of the server's own. */
const CHANGE = /^(\w+): (.*) → (.*)$/;
const WORDED_FIELDS = ['role', 'notices', 'language'];

function changeOf(part) {
  const [, field, before, now] = CHANGE.exec(part) ?? [];
  if (!field) return wordOf(part);
  const shown = (value) => (WORDED_FIELDS.includes(field) ? wordOf(value) : readable(value));
  return `${wordOf(field)}: ${shown(before)} → ${shown(now)}`;
}

/** Of a sign-in: the browser in words a person knows. */
function detailOf({ action, detail, meaning }) {
  if (meaning) return meaning;
  if (/^(member|organisation)\.changed$/.test(action)) return (detail ?? '').split(/, (?=\w+: )/).map(changeOf).join(', ');
  if (WORDED.test(action)) return (detail ?? '').split(', ').map(wordOf).join(', ');
  const { browser, system } = action.startsWith('session.') ? deviceOf(detail) : {};
  return browser ? [browser, system].filter(Boolean).join(', ') : readable(detail ?? '');
}

const ACTORS = { system: 'audit.system', operator: 'audit.operator', nobody: 'audit.nobody', anonymous: 'audit.visitor' };

/** What a visitor asks for is done by the server itself, but he has an address. */
function actorOf({ actor, client }) {
  if (actor === 'system' && client) return t('audit.visitor');
  if (ACTORS[actor]) return t(ACTORS[actor]);
  return actor.startsWith('token ') ? t('audit.token', { name: actor.slice('token '.length) }) : readable(actor);
}

/** What it was done to, where the sentence does not name it: an email can be opened. */
const Target = ({ event: { target, text } }) => target && !text.includes(target) && html`
  <span class="hint">${t('audit.target')} ${target.startsWith('em_') ? html`<a href=${`#/outbox/${target}`}><code>${target}</code></a>` : html`<code>${target}</code>`}</span>`;

const Row = ({ event }) => html`
  <tr data-audit=${event.id} data-action=${event.action}>
    <td class="cell-time"><${Time} at=${event.at} /></td>
    <td class="cell-main"><strong>${readable(event.text)}</strong>${event.detail && html`<span class="hint">${detailOf(event)}</span>`}<${Target} event=${event} /></td>
    <td class="cell-who" title=${event.actor}>${actorOf(event)}</td>
    <td class="cell-client">${event.client === 'local' ? t('audit.local') : event.client ?? ''}</td>
  </tr>`;

const Filters = ({ search }) => html`
  <form class="filters dated" role="search" onSubmit=${(event) => event.preventDefault()}>
    <div class="field"><label for="audit_action">${t('audit.kind')}</label>
      <select id="audit_action" onChange=${search.set('action')}>
        <option value="" selected=${!search.typed.action}>${t('outbox.all')}</option>
        ${KINDS.map((kind) => html`<option key=${kind} value=${kind} selected=${kind === search.typed.action}>${kindText(kind)}</option>`)}
      </select></div>
    <div class="field grow"><label for="audit_actor">${t('audit.actor')}</label>
      <div class="joined leading"><${Icon} name="search" /><input id="audit_actor" type="search" autocomplete="off" value=${search.typed.actor} onInput=${search.set('actor')} /></div></div>
    <div class="field"><label for="audit_since">${t('audit.since')}</label><input id="audit_since" type="date" value=${search.typed.since} onInput=${search.set('since')} /></div>
    <div class="field"><label for="audit_until">${t('audit.until')}</label><input id="audit_until" type="date" value=${search.typed.until} onInput=${search.set('until')} /></div>
  </form>`;

const SEEN = 'absender.audit_head'; // the hash of the last event that this browser has seen, and when that was

const readSeen = () => (localStorage.getItem(SEEN) ?? '').split(' ');

/** What this browser has seen last may be too old to be kept: then it says nothing. */
function judged(check, seenAt) {
  const isForgotten = seenAt && check.forgotten_until && seenAt <= check.forgotten_until;
  return check.ok || check.first_fault || !isForgotten ? check : { ...check, ok: true };
}

function verdictOf(check) {
  if (check.first_fault) return t('audit.broken', { time: moment(check.first_fault.at) });
  return check.ok ? t('audit.intact', { n: check.events }) : t('audit.cut');
}

/** Reads the whole chain again and says whether anything in it was changed or taken out, or cut off since this browser looked last. */
function Check() {
  const [check, setCheck] = useState(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const run = async () => {
    if (busy) return;
    setBusy(true);
    setProblem('');
    try {
      const [hash = '', at] = readSeen();
      const answer = judged(await admin.checkAudit(hash), at);
      if (answer.ok) localStorage.setItem(SEEN, `${answer.last_hash} ${answer.last_at ?? ''}`);
      setCheck(answer);
      announce(verdictOf(answer));
    } catch (error) {
      setProblem(errorText(error));
    }
    setBusy(false);
  };
  return html`
    <section class="card" aria-labelledby="audit-check-title">
      <h2 id="audit-check-title">${t('audit.check')}</h2>
      <p class="hint">${t('audit.check.hint')}</p>
      ${check && html`<${Notice} tone=${check.ok ? 'good' : 'bad'}><p data-check=${check.ok ? 'ok' : 'broken'}>${verdictOf(check)}</p>
        ${check.forgotten > 0 && html`<p data-forgotten=${check.forgotten}>${t('audit.forgotten', { n: check.forgotten, time: moment(check.forgotten_until) })}</p>`}
        ${check.last_hash && html`<p class="hash">${t('audit.hash')} <code>${check.last_hash}</code></p>`}<//>`}
      <${Problem} text=${problem} />
      <div class="buttons"><button type="button" aria-disabled=${busy ? 'true' : undefined} onClick=${run}>${t('audit.check.run')}</button></div>
    </section>`;
}

export function AuditPage() {
  const search = useSearch();
  const { action, actor, since, until } = search.sought;
  const pages = usePages((query) => admin.auditEvents({ ...query, action, actor: actor.trim(), since: startOf(since), until: startOf(until, 1) }), `${action}|${actor}|${since}|${until}`, '');
  const isSearch = Boolean(action || actor.trim() || since || until);
  return html`
    <header class="page-head"><h1 tabindex="-1">${t('nav.audit')}</h1><p class="lead">${t('audit.lead')}</p></header>
    <${Filters} search=${search} />
    <${Problem} text=${pages.problem} onRetry=${pages.retry} />
    ${!pages.items && html`<p class="loading">${t('loading')}</p>`}
    ${pages.items?.length === 0 && !pages.problem && html`<div class="card empty"><${Icon} name="list" /><p>${t(isSearch ? 'audit.nothing' : 'audit.empty')}</p></div>`}
    ${pages.items?.length > 0 && html`
      <div class="card table-card"><table class="list audit">
        <caption class="unseen">${t('nav.audit')}</caption>
        <thead><tr><th scope="col" class="cell-time">${t('audit.when')}</th><th scope="col">${t('audit.what')}</th><th scope="col" class="cell-who">${t('audit.who')}</th>
          <th scope="col" class="cell-client">${t('audit.from')}</th></tr></thead>
        <tbody>${pages.items.map((event) => html`<${Row} key=${event.id} event=${event} />`)}</tbody>
      </table></div>`}
    <${Pager} pages=${pages} />
    <${Check} />`;
}
