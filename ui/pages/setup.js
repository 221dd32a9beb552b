// The one-time link of the first admin: name, address, password.
import { useRef, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { currentLanguage, t, textOr } from '../i18n.js';
import { Field, PasswordField } from '../parts/field.js';
import { Notice } from '../parts/notice.js';
import { takeSession, useApp } from '../store.js';

const LEAST_CHARACTERS = 10;

export function SetupPage({ token }) {
  const { session } = useApp();
  const [values, setValues] = useState({ name: '', email: '', password: '' });
  const [faults, setFaults] = useState({});
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const form = useRef(null);

  const set = (name) => (value) => {
    setValues((now) => ({ ...now, [name]: value }));
    setFaults((now) => ({ ...now, [name]: '' }));
  };

  const show = (found) => {
    setFaults(found);
    const first = ['name', 'email', 'password'].find((name) => found[name]);
    if (first) form.current.elements[first].focus();
    return Boolean(first);
  };

  const submit = async (event) => {
    event.preventDefault();
    setProblem('');
    const { name, email, password } = values;
    if (show({
      name: name.trim() ? '' : t('fault.missing.name'),
      email: !email.trim() ? t('fault.missing.email') : /^[^\s@]+@[^\s@]+$/.test(email.trim()) ? '' : t('fault.invalid_address'),
      password: !password ? t('fault.missing.password')
        : [...password].length < LEAST_CHARACTERS ? t('fault.password_too_short', { n: LEAST_CHARACTERS }) : '',
    })) return;
    setBusy(true);
    try {
      takeSession(await api.setup({ token, name: name.trim(), email: email.trim(), password, language: currentLanguage() }));
      location.hash = '#/settings/email';
    } catch (error) {
      setBusy(false);
      const known = error.errors?.filter(({ pointer }) => ['/name', '/email', '/password'].includes(pointer)) ?? [];
      if (known.length) {
        show(Object.fromEntries(known.map(({ pointer, code, detail }) =>
          [pointer.slice(1), textOr(`fault.${code}`, detail, { n: LEAST_CHARACTERS })])));
      } else setProblem(errorText(error));
    }
  };

  if (!session.setup_required) {
    return html`
      <div class="card gate">
        <h1 tabindex="-1">${t('setup_page.done')}</h1>
        <p>${t('setup_page.done_text')}</p>
        ${session.authenticated ? html`<a class="button primary wide" href="#/settings/email">${t('not_found.link')}</a>`
          : html`<a class="button primary wide" href="#/sign-in">${t('sign_in.button')}</a>`}
      </div>`;
  }
  return html`
    <form class="card gate" ref=${form} onSubmit=${submit} novalidate aria-labelledby="gate-title">
      <h1 id="gate-title" tabindex="-1">${t('setup_page.title')}</h1>
      <p class="lead">${t('setup_page.lead')}</p>
      <${Field} id="name" label=${t('setup_page.name')} required autocomplete="name" value=${values.name} onValue=${set('name')}
        fault=${faults.name} />
      <${Field} id="email" type="email" label=${t('sign_in.email')} required autocomplete="username" value=${values.email}
        onValue=${set('email')} fault=${faults.email} />
      <${PasswordField} id="password" label=${t('sign_in.password')} required autocomplete="new-password" value=${values.password}
        hint=${t('setup_page.password_hint', { n: LEAST_CHARACTERS })} onValue=${set('password')} fault=${faults.password} />
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      <button type="submit" class="primary wide" disabled=${busy}>${t('setup_page.button')}</button>
    </form>`;
}
