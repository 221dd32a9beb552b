// Signing in with OAuth2: who signs in, and the steps that this takes at the provider.
import { useEffect, useState } from 'preact/hooks';
import '../oauth-api.js';
import { html } from '../html.js';
import { needTexts, t } from '../i18n.js';
import { oauthStart } from '../oauth.js';
import { oauthFaultOf } from '../oauth-fault.js';
import { needStyles } from '../styles.js';
import { Choice } from './choice.js';
import { Open } from './oauth-fields.js';
import { Generic } from './oauth-generic.js';
import { Google } from './oauth-google.js';
import { Microsoft } from './oauth-microsoft.js';

await Promise.all([needTexts('settings', 'form'), needStyles('oauth')]);

const VIEWS = { microsoft: Microsoft, google: Google, generic: Generic };

const ProviderField = ({ draft, locked }) => html`
  <div class="field"><label for="provider">${t('oauth.provider')}</label>
    <select id="provider" disabled=${locked} onChange=${(event) => draft.setMany(oauthStart({ oauth: { provider: event.currentTarget.value } }, draft.form))}>
      ${Object.keys(VIEWS).map((name) => html`<option key=${name} value=${name} selected=${name === draft.form.provider}>${t(`oauth.provider.${name}`)}</option>`)}
    </select></div>`;

/** An application by itself, or a person who signs in once. */
function waysOf({ provider, grant }) {
  const person = { value: 'refresh_token', label: t('oauth.grant.person'), hint: t(`oauth.grant.person.${provider}`) };
  const account = { value: 'service_account', label: t('oauth.grant.service_account'), hint: t('oauth.grant.service_account.hint') };
  if (provider === 'google') return [account, person];
  const application = grant === 'certificate' ? grant : 'client_secret';
  return [{ value: application, label: t('oauth.grant.application'), hint: t(`oauth.grant.application.${provider}`) }, person];
}

/** What hardly anybody needs: another scope than the provider's usual one, and another mailbox than the login. */
function More({ field, draft: { form }, faults }) {
  const [open, setOpen] = useState(false);
  return html`
    <details class="advanced" open=${open || Boolean(faults.scope || faults.subject)} onToggle=${(event) => setOpen(event.currentTarget.open)}>
      <summary>${t('oauth.more')}</summary>
      ${form.grant === 'service_account' && html`
        <${Open} field=${field} name="subject" optional hint=${t('oauth.google.subject.hint')} placeholder=${form.username.trim() || form.from_email.trim()} />`}
      <${Open} field=${field} name="scope" optional hint=${t('oauth.scope.hint')} /></details>`;
}

export function OauthSteps(parts) {
  const { draft, preset, locked } = parts;
  const { provider } = draft.form;
  const View = VIEWS[provider] ?? Generic;
  const ways = waysOf(draft.form).filter(({ value }) => preset?.oauth?.grants?.includes(value) ?? true);
  draft.oauthFaultOf = oauthFaultOf;
  useEffect(() => () => { draft.oauthFaultOf = () => ''; }, []);
  return html`
    ${!preset?.oauth && html`<${ProviderField} draft=${draft} locked=${locked} />`}
    ${ways.length > 1 && html`
      <${Choice} name="grant" label=${t('oauth.grant')} value=${draft.form.grant} choices=${ways} disabled=${locked} onChoose=${(grant) => draft.setMany({ grant })} />`}
    <${View} ...${parts} />
    ${provider !== 'generic' && html`<${More} ...${parts} />`}`;
}
