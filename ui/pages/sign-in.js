// Sign-in with address and password. Says the same whether the account exists or not.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { api, errorText } from '../api.js';
import { html } from '../html.js';
import { needTexts, t } from '../i18n.js';
import { Field, PasswordField } from '../parts/field.js';
import { Notice } from '../parts/notice.js';
import { app, takeSession, update, useApp } from '../store.js';

await needTexts('start');

/** target: the address to go on to; '': wherever this person begins. */
export function SignInPage({ target }) {
  const { session, signedOut } = useApp();
  const [email, setEmail] = useState(app().address);
  const [password, setPassword] = useState('');
  const [faults, setFaults] = useState({});
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const form = useRef(null);

  useLayoutEffect(() => { form.current?.elements[email ? 'password' : 'email']?.focus(); }, []);

  const submit = async (event) => {
    event.preventDefault();
    setProblem('');
    const found = { email: email.trim() ? '' : t('fault.missing.email'), password: password ? '' : t('fault.missing.password') };
    setFaults(found);
    const first = Object.keys(found).find((name) => found[name]);
    if (first) {
      form.current.elements[first].focus();
      return;
    }
    setBusy(true);
    try {
      takeSession(await api.signIn({ email: email.trim(), password }));
      update({ address: '' });
      location.hash = target || '#/';
    } catch (error) {
      setBusy(false);
      setProblem(errorText(error));
      form.current.elements.password.focus();
    }
  };

  if (session.setup_required) {
    return html`
      <div class="card gate">
        <h1 tabindex="-1">${t('setup_page.first')}</h1>
        <p>${t('setup_page.where')}</p>
        <p><code>${`${location.origin}/#/setup/…`}</code></p>
      </div>`;
  }
  return html`
    <form class="card gate" ref=${form} onSubmit=${submit} novalidate aria-labelledby="gate-title">
      <h1 id="gate-title" tabindex="-1">${t('sign_in.title')}</h1>
      ${signedOut && html`<${Notice}>${t('sign_in.ended')}<//>`}
      <${Field} id="email" type="email" label=${t('sign_in.email')} required autocomplete="username" value=${email}
        onValue=${setEmail} fault=${faults.email} />
      <${PasswordField} id="password" label=${t('sign_in.password')} required autocomplete="current-password" value=${password}
        onValue=${setPassword} fault=${faults.password} />
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      <button type="submit" class="primary wide" disabled=${busy}>${t('sign_in.button')}</button>
      <p><a href="#/reset" onClick=${() => update({ address: email.trim() })}>${t('sign_in.forgotten')}</a></p>
    </form>`;
}
