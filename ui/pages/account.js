// One's own account: name and language, password, sessions. For who has no other page it says what the account is for.
import { useEffect, useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { faultOfPassword } from '../credentials.js';
import { readable } from '../domain.js';
import { html } from '../html.js';
import { dateTime, needTexts, t } from '../i18n.js';
import { Field, PasswordField } from '../parts/field.js';
import { useForm } from '../parts/form.js';
import { LanguageField } from '../parts/language-field.js';
import { NewPassword } from '../parts/new-password.js';
import { Notice, Problem } from '../parts/notice.js';
import { RoleBadge } from '../parts/role.js';
import { Sessions } from '../parts/sessions.js';
import { people } from '../people-api.js';
import { isAdmin } from '../routes.js';
import { announce, loadSession, takeSession, useApp } from '../store.js';
import { needStyles } from '../styles.js';

await Promise.all([needTexts('people'), needStyles('lists', 'people')]);

/** A sentence that stands as long as nothing else is typed. */
const Done = ({ text }) => text && html`<${Notice} tone="good">${text}<//>`;

function Profile({ member, onSaved }) {
  const { values, set, field, submit, problem, busy, ref } = useForm({ name: member.name, language: member.language, notices: member.notices });
  const [done, setDone] = useState('');
  const changed = (name) => (value) => { setDone(''); set(name)(value); };
  const save = submit(({ name }) => ({ name: name.trim() ? '' : t('fault.missing.name') }), async ({ name, language, notices }) => {
    onSaved(await people.changeAccount({ name: name.trim(), language, ...(notices !== undefined && { notices }) }));
    await loadSession(); // the name stands beside every page
    setDone(t('account.saved'));
    announce(t('account.saved'));
  });
  return html`
    <section class="card" aria-labelledby="profile-title">
      <h2 id="profile-title">${t('account.profile')}</h2>
      <dl class="facts"><div><dt>${t('sign_in.email')}</dt><dd>${readable(member.email)}</dd></div>
        <div><dt>${t('people.role')}</dt><dd><${RoleBadge} role=${member.role} /></dd></div>
        <div><dt>${t('account.since')}</dt><dd>${dateTime(member.created_at)}</dd></div></dl>
      <form ref=${ref} onSubmit=${save} novalidate>
        <${Field} ...${field('name', 'setup_page.name')} required autocomplete="name" onValue=${changed('name')} />
        <${LanguageField} value=${values.language} hint=${t('account.language_hint')} onValue=${changed('language')} />
        ${isAdmin({ member }) && values.notices !== undefined && html`
          <label class="pick notices"><input type="checkbox" id="notices" checked=${values.notices} aria-describedby="notices-hint" onChange=${(event) => changed('notices')(event.currentTarget.checked)} />
            <span>${t('account.notices')}<span class="hint" id="notices-hint">${t('account.notices_hint')}</span></span></label>`}
        ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
        <${Done} text=${done} />
        <button type="submit" aria-disabled=${busy ? 'true' : undefined}>${t('people.save')}</button>
      </form>
    </section>`;
}

function Password({ email, onChanged }) {
  const { put, field, submit, problem, busy, ref } = useForm({ current_password: '', new_password: '' });
  const [done, setDone] = useState('');
  const save = submit(({ current_password: now, new_password: next }) => ({ current_password: now ? '' : t('account.missing_current'), new_password: faultOfPassword(next) }),
    async (values) => {
      setDone('');
      takeSession(await people.changePassword(values)); // a new session, and with it a new CSRF value
      put({ current_password: '', new_password: '' });
      setDone(t('account.password_changed'));
      announce(t('account.password_changed'));
      onChanged();
    });
  return html`
    <section class="card" aria-labelledby="password-title">
      <h2 id="password-title">${t('account.password')}</h2>
      <form ref=${ref} onSubmit=${save} novalidate>
        <div class="unseen" aria-hidden="true"><input type="email" autocomplete="username" value=${email} readonly tabindex="-1" /></div>
        <${PasswordField} ...${field('current_password', 'account.current_password')} required autocomplete="current-password" />
        <${NewPassword} field=${field} name="new_password" label=${'account.new_password'} />
        ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
        <${Done} text=${done} />
        <button type="submit" aria-disabled=${busy ? 'true' : undefined}>${t('account.change_password')}</button>
        <p class="hint">${t('account.password_hint')}</p>
      </form>
    </section>`;
}

export function AccountPage() {
  const { session } = useApp();
  const [member, setMember] = useState(null);
  const [problem, setProblem] = useState('');
  const [changes, setChanges] = useState(0);
  const load = () => people.account().then((found) => { setMember(found); setProblem(''); }, (error) => setProblem(errorText(error)));
  useEffect(() => { load(); }, []);
  return html`
    <header class="page-head"><h1 tabindex="-1">${t('account.title')}</h1>
      ${!isAdmin(session) && html`<p class="lead">${session.org_name ? t('account.member_of', { organisation: session.org_name }) : ''} ${t('account.member_lead')}</p>`}</header>
    <${Problem} text=${problem} onRetry=${load} />
    ${!member && !problem && html`<p class="loading">${t('loading')}</p>`}
    ${member && html`
      <div class="columns even">
        <${Profile} member=${member} onSaved=${setMember} />
        <${Password} email=${member.email} onChanged=${() => setChanges((n) => n + 1)} />
      </div>
      <div class="columns single"><${Sessions} fresh=${changes} /></div>`}`;
}
