// Applications: each has a token of its own, with what it may do, from where, and how much.
import { useRef, useState } from 'preact/hooks';
import { admin } from '../admin-api.js';
import { readable } from '../domain.js';
import { html } from '../html.js';
import { list, moment, t } from '../i18n.js';
import { useAnswer } from '../parts/answer.js';
import { useAsking, useDeed } from '../parts/deed.js';
import { Icon } from '../parts/icon.js';
import { Problem } from '../parts/notice.js';
import { Question } from '../parts/question.js';
import { ShownOnce } from '../parts/shown-once.js';
import { Snippets } from '../parts/snippets.js';
import { Time } from '../parts/time.js';
import { scopeText, TokenForm, WINDOWS } from '../parts/token-form.js';
import { announce, useApp } from '../store.js';
import { needStyles } from '../styles.js';

await needStyles('lists', 'admin');

const isOver = ({ expires_at: at }) => Boolean(at) && new Date(at) <= Date.now();

const Fact = ({ label, children }) => html`<div><dt>${label}</dt><dd>${children}</dd></div>`;

/** "Pro Stunde 3 von 100" for every window that has a limit; without any, how many of today. */
function usageText({ usage, quota }) {
  const used = { per_minute: usage?.minute, per_hour: usage?.hour, per_day: usage?.day };
  const limited = WINDOWS.filter((name) => quota?.[name]);
  if (!limited.length) return usage ? t('apps.usage.day', { n: usage.day }) : '';
  return limited.map((name) => t('apps.usage.of', { window: t(`quota.${name}`), used: used[name] ?? 0, limit: quota[name] })).join(' · ');
}

function TokenEntry({ token, isChanging, onChange, onRevoke }) {
  const { asking, row, ask, cancel } = useAsking();
  const { busy, problem, run } = useDeed();
  const over = isOver(token);
  return html`
    <li class="card entry" data-token=${token.id} ref=${row}>
      <header class="card-head"><h2>${token.name}</h2>
        ${over ? html`<span class="badge bad"><${Icon} name="clock" />${t('apps.over')}</span>` : html`<code class="hint">${token.hint}…</code>`}</header>
      <ul class="scopes">${token.scopes.map((scope) => html`<li key=${scope} class="tag">${scopeText(scope)}</li>`)}</ul>
      <dl class="facts">
        <${Fact} label=${t('apps.from')}>${token.from_addresses ? list(token.from_addresses.map(readable)) : t('apps.from.any')}<//>
        <${Fact} label=${t('apps.networks')}>${token.networks ? list(token.networks) : t('apps.networks.any')}<//>
        <${Fact} label=${t('apps.sent')}>${usageText(token)}<//>
        <${Fact} label=${t('apps.expires')}>${token.expires_at ? html`<${Time} at=${token.expires_at} />` : t('apps.expires.never')}<//>
        <${Fact} label=${t('apps.used')}>${token.used_at ? html`<${Time} at=${token.used_at} near />` : t('apps.used.never')}<//>
        <${Fact} label=${t('apps.created')}>${token.created_by ? t(token.created_by === 'operator' ? 'apps.created_by_operator' : 'apps.created_by', { time: moment(token.created_at), who: readable(token.created_by) }) : moment(token.created_at)}<//>
      </dl>
      <${Problem} text=${problem} />
      ${asking ? html`<${Question} id=${`revoke-${token.id}`} text=${t('apps.revoke_sure', { name: token.name })} button=${t('apps.revoke')} danger busy=${busy}
          onYes=${() => run(onRevoke)} onNo=${cancel} no=${t('apps.keep')} />`
        : html`<div class="buttons"><button type="button" class="small" disabled=${isChanging} aria-label=${t('apps.change_what', { name: token.name })} onClick=${onChange}>${t('form.change')}</button>
          <button type="button" class="small danger" data-ask="revoke" aria-label=${t('apps.revoke_what', { name: token.name })} onClick=${() => ask('revoke')}>${t('apps.revoke')}</button></div>`}
    </li>`;
}

/** The token that was just made: { id, name, token }, until it is put away. */
function Made({ made, onDone }) {
  return html`
    <${ShownOnce} id="token-secret" title=${t('apps.made', { name: made.name })} what=${t('apps.token')} text=${t('once.token')} secret=${made.token} onDone=${onDone}>
      <p class="hint">${t('apps.made.hint')}</p>
    <//>`;
}

export function ApplicationsPage() {
  const { smtp } = useApp();
  const tokens = useAnswer(admin.tokens);
  const organisation = useAnswer(admin.organisation);
  const [form, setForm] = useState(null); // { token }; token null: a new one
  const [made, setMade] = useState(null);
  const heading = useRef(null);

  const create = async (body) => {
    setMade(await admin.createToken(body));
    setForm(null);
    tokens.again();
  };
  const close = () => {
    heading.current.focus(); // the form goes, and the focus with it
    setForm(null);
  };
  const change = (token) => async (body) => {
    await admin.changeToken(token.id, body);
    close();
    announce(t('form.saved'));
    tokens.again();
  };
  const revoke = (token) => async () => {
    await admin.revokeToken(token.id);
    if (made?.id === token.id) setMade(null);
    heading.current.focus();
    announce(t('apps.revoked', { name: token.name }));
    tokens.again();
  };

  return html`
    <header class="page-head row">
      <div><h1 tabindex="-1" ref=${heading}>${t('nav.applications')}</h1><p class="lead">${t('apps.lead')}</p></div>
      ${!form && html`<button type="button" class="primary" onClick=${() => setForm({ token: null })}>${t('apps.new')}</button>`}
    </header>
    <${Problem} text=${tokens.problem} onRetry=${tokens.again} />
    ${made && html`<${Made} made=${made} onDone=${() => { heading.current.focus(); setMade(null); }} />`}
    ${form && html`<${TokenForm} key=${form.token?.id ?? 'new'} token=${form.token} sender=${smtp?.sending_with?.from_email}
      onSend=${form.token ? change(form.token) : create} onCancel=${close} />`}
    ${!tokens.answer && !tokens.problem && html`<p class="loading">${t('loading')}</p>`}
    ${tokens.answer?.length === 0 && !form && html`<div class="card empty"><${Icon} name="plug" /><p>${t('apps.empty')}</p></div>`}
    ${tokens.answer?.length > 0 && html`
      <ul class="entries">${tokens.answer.map((token) => html`
        <${TokenEntry} key=${token.id} token=${token} isChanging=${form?.token?.id === token.id} onChange=${() => setForm({ token })} onRevoke=${revoke(token)} />`)}</ul>`}
    ${organisation.answer && html`<${Snippets} address=${organisation.answer.public_url} token=${made?.token} />`}`;
}
