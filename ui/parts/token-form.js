// What an application may do: made once with its rights, changed later in everything but those.
import { useLayoutEffect } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { AreaField } from './area-field.js';
import { Field } from './field.js';
import { useForm } from './form.js';
import { faultOfMoment, fieldOf, MomentField, momentOf } from './moment-field.js';
import { Notice } from './notice.js';
import { Picks } from './picks.js';

const SCOPES = ['emails:send', 'emails:read', 'smtp:read', 'smtp:write', 'people:write', 'audit:read'];
export const WINDOWS = ['per_minute', 'per_hour', 'per_day'];

const keyOf = (scope) => scope.replace(':', '_');
export function scopeText(scope) {
  const key = keyOf(scope);
  return t(`scope.${key}`);
}

const linesOf = (list) => (list ?? []).join('\n');
const listOf = (text) => {
  const found = text.split(/[\s,;]+/).filter(Boolean);
  return found.length ? found : null;
};

const valuesOf = (token) => ({
  name: token?.name ?? '', scopes: token?.scopes ?? ['emails:send'],
  from_addresses: linesOf(token?.from_addresses), networks: linesOf(token?.networks),
  ...Object.fromEntries(WINDOWS.map((name) => [name, String(token?.quota?.[name] || '')])),
  expires_at: token?.expires_at ? fieldOf(token.expires_at) : '',
});

const isCount = (text) => /^[1-9]\d{0,8}$/.test(text.trim());

/** A moment that stands as it was is not asked whether it is in the future: an expired token keeps its end. */
const check = (token) => (values) => ({
  name: values.name.trim() ? '' : t('fault.required'),
  scopes: values.scopes.length ? '' : t('scope.none'),
  ...Object.fromEntries(WINDOWS.map((name) => [name, !values[name].trim() || isCount(values[name]) ? '' : t('fault.out_of_range')])),
  expires_at: values.expires_at === valuesOf(token).expires_at ? '' : faultOfMoment('expires_at', values.expires_at),
});

function bodyOf(values) {
  const quota = Object.fromEntries(WINDOWS.map((name) => [name, Number(values[name]) || null]));
  return {
    name: values.name.trim(), scopes: values.scopes, from_addresses: listOf(values.from_addresses), networks: listOf(values.networks),
    quota: WINDOWS.some((name) => quota[name]) ? quota : null, expires_at: momentOf(values.expires_at),
  };
}

/** What differs from the token as it is; all of it for a new one. What is not named stays. */
function changesOf(values, token) {
  const body = bodyOf(values);
  const known = token && bodyOf(valuesOf(token));
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => !known || JSON.stringify(value) !== JSON.stringify(known[name])));
}

/** token: the one to be changed; none: a new one. onSend(body) keeps it, and what it throws is shown. */
export function TokenForm({ token, sender, onSend, onCancel }) {
  const form = useForm(valuesOf(token));
  const { field } = form;
  useLayoutEffect(() => { document.getElementById('name')?.focus(); }, []);
  return html`
    <form class="card settings" ref=${form.ref} novalidate aria-labelledby="token-form-title" onSubmit=${form.submit(check(token), (values) => onSend(changesOf(values, token)))}>
      <h2 id="token-form-title">${token ? t('apps.change_what', { name: token.name }) : t('apps.new')}</h2>
      <${Field} ...${field('name', 'apps.name', { required: true, hint: t('apps.name.hint'), autocomplete: 'off', maxlength: 128 })} />
      <${Picks} ...${field('scopes', 'apps.scopes', { disabled: Boolean(token), hint: t(token ? 'apps.scopes.fixed' : 'apps.scopes.hint') })}
        choices=${SCOPES.map((name) => ({ name, label: scopeText(name) }))} />
      <div class="pair">
        <${AreaField} ...${field('from_addresses', 'apps.from', { optional: true, hint: t('apps.from.hint'), placeholder: sender })} />
        <${AreaField} ...${field('networks', 'apps.networks', { optional: true, hint: t('apps.networks.hint'), placeholder: '10.0.0.0/8' })} />
      </div>
      <fieldset class="field quota-fields" aria-describedby="token-quota-hint">
        <legend>${t('apps.quota')}<span class="optional">${t('field.optional')}</span></legend>
        <div class="triple">${WINDOWS.map((name) => html`
          <${Field} key=${name} ...${field(name, `quota.${name}`, { inputmode: 'numeric', autocomplete: 'off', maxlength: 9 })} />`)}</div>
        <p class="hint" id="token-quota-hint">${t('apps.quota.hint')}</p>
      </fieldset>
      <${MomentField} ...${field('expires_at', 'apps.expires', { optional: true, hint: t('apps.expires.hint') })} />
      ${form.problem && html`<${Notice} tone="bad" role="alert">${form.problem}<//>`}
      <div class="buttons"><button type="submit" class="primary" aria-disabled=${form.busy ? 'true' : undefined}>${t(token ? 'form.save' : 'apps.create')}</button>
        <button type="button" onClick=${onCancel}>${t('action.cancel')}</button></div>
    </form>`;
}
