// The one-time link of the first admin: name, address, password; what the organisation is called, and where it is reached.
import { useState } from 'preact/hooks';
import { api } from '../api.js';
import { faultOfAddress, faultOfPassword } from '../credentials.js';
import { html } from '../html.js';
import { currentLanguage, needTexts, t } from '../i18n.js';
import { isLocal } from '../local.js';
import { Field } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { NewPassword } from '../parts/new-password.js';
import { Notice } from '../parts/notice.js';
import { takeSession, useApp } from '../store.js';

await needTexts('start');

/** What is wrong with the address of this service, or ''; it is where all links in mail begin. */
function faultOfUrl(text) {
  if (!text.trim()) return t('fault.missing.public_url');
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  const isBare = url && url.pathname === '/' && !url.search && !url.hash && !url.username && !url.password;
  return isBare && ['http:', 'https:'].includes(url.protocol) ? '' : t('fault.invalid_public_url');
}

function check(values, urlIsFixed) {
  return {
    name: values.name.trim() ? '' : t('fault.missing.name'), email: faultOfAddress(values.email), password: faultOfPassword(values.password),
    public_url: urlIsFixed ? '' : faultOfUrl(values.public_url),
  };
}

const Done = ({ session }) => html`
  <div class="card gate">
    <h1 tabindex="-1">${t('setup_page.done')}</h1>
    <p>${t('setup_page.done_text')}</p>
    ${session.authenticated ? html`<a class="button primary wide" href="#/">${t('nowhere.home')}</a>`
      : html`<a class="button primary wide" href="#/sign-in">${t('sign_in.button')}</a>`}
  </div>`;

export function SetupPage({ token }) {
  const { session } = useApp();
  const [isFirst] = useState(session.setup_required); // and no more a moment later, when this page is left
  const urlIsFixed = Boolean(session.public_url_is_fixed); // the operator has set it
  const { values, field, submit, problem, busy, ref } = useForm({ name: '', email: '', password: '', org_name: '', public_url: location.origin });

  const send = submit((all) => check(all, urlIsFixed), async ({ name, email, password, org_name: organisation, public_url: url }) => {
    takeSession(await api.setup({
      token, name: name.trim(), email: email.trim(), password, language: currentLanguage(),
      ...(organisation.trim() && { org_name: organisation.trim() }), ...(!urlIsFixed && { public_url: new URL(url.trim()).origin }),
    }));
    location.replace('#/settings/email');
  });

  if (!isFirst) return html`<${Done} session=${session} />`;
  return html`
    <form class="card gate" ref=${ref} onSubmit=${send} novalidate aria-labelledby="gate-title">
      <h1 id="gate-title" tabindex="-1">${t('setup_page.title')}</h1>
      <p class="lead">${t('setup_page.lead')}</p>
      <${Field} ...${field('name', 'setup_page.name')} required autocomplete="name" />
      <${Field} ...${field('email', 'sign_in.email')} type="email" required autocomplete="username" />
      <${NewPassword} field=${field} />
      <${Field} ...${field('org_name', 'setup_page.org_name')} optional autocomplete="organization" hint=${t('setup_page.org_name_hint')} />
      ${!urlIsFixed && html`
        <${Field} ...${field('public_url', 'setup_page.public_url')} type="url" required autocomplete="off" spellcheck="false"
          hint=${t(isLocal(values.public_url) ? 'setup_page.public_url_local' : 'setup_page.public_url_hint')} />`}
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      <button type="submit" class="primary wide" aria-disabled=${busy ? 'true' : undefined}>${t('setup_page.button')}</button>
    </form>`;
}
