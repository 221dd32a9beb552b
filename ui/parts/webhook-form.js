// Where a webhook goes and what it tells.
import { useLayoutEffect } from 'preact/hooks';
import { html } from '../html.js';
import { t, textOr } from '../i18n.js';
import { Field } from './field.js';
import { useForm } from './form.js';
import { Notice } from './notice.js';
import { Picks } from './picks.js';

const EVENTS = [
  'smtp.breaker_opened', 'smtp.breaker_closed', 'smtp.sending_paused', 'smtp.sending_resumed', 'smtp.verified', 'smtp.activated', 'date.near', 'reset.waiting',
  'email.accepted', 'email.deferred', 'email.rejected', 'email.expired', 'email.uncertain', 'email.cancelled', 'email.handed_over',
];
/** What a person wants to hear of even when mail does not go out. */
const FIRST = ['smtp.breaker_opened', 'smtp.breaker_closed', 'smtp.sending_paused', 'smtp.sending_resumed', 'date.near', 'reset.waiting'];

export function eventText(type) {
  const key = type.replaceAll('.', '_');
  return textOr(`hook.event.${key}`, type);
}

function check({ url, events }) {
  const isHttps = URL.canParse(url.trim()) && new URL(url.trim()).protocol === 'https:';
  return {
    url: !url.trim() ? t('fault.required') : isHttps ? '' : t('hook.not_https'),
    events: events.length ? '' : t('hook.events.none'),
  };
}

/** webhook: the one to be changed; none: a new one. */
export function WebhookForm({ webhook, onSend, onCancel }) {
  const form = useForm({ url: webhook?.url ?? '', name: webhook?.name ?? '', events: webhook?.events ?? FIRST });
  const { field } = form;
  useLayoutEffect(() => { document.getElementById('url')?.focus(); }, []);
  const send = ({ url, name, events }) => onSend({ url: url.trim(), name: name.trim() || null, events });
  return html`
    <form class="card settings" ref=${form.ref} novalidate aria-labelledby="hook-form-title" onSubmit=${form.submit(check, send)}>
      <h2 id="hook-form-title">${t(webhook ? 'hook.change' : 'hook.new')}</h2>
      <${Field} ...${field('url', 'hook.url', { required: true, inputmode: 'url', hint: t('hook.url.hint'), placeholder: 'https://', autocomplete: 'off', spellcheck: 'false', maxlength: 2048 })} />
      <${Field} ...${field('name', 'hook.name', { optional: true, hint: t('hook.name.hint'), autocomplete: 'off', maxlength: 128 })} />
      <${Picks} ...${field('events', 'hook.events', { hint: t('hook.events.hint') })} choices=${EVENTS.map((name) => ({ name, label: eventText(name) }))} />
      ${form.problem && html`<${Notice} tone="bad" role="alert">${form.problem}<//>`}
      <div class="buttons"><button type="submit" class="primary" aria-disabled=${form.busy ? 'true' : undefined}>${t(webhook ? 'form.save' : 'hook.create')}</button>
        <button type="button" onClick=${onCancel}>${t('action.cancel')}</button></div>
    </form>`;
}
