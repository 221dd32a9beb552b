// Google: a service account with delegation over the domain, or one sign-in with a client of one's own.
import { useRef } from 'preact/hooks';
import '../oauth-api.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { serviceAccountOf } from '../oauth-fault.js';
import { CopyLine, Guide, Step } from './guide.js';
import { Notice } from './notice.js';
import { ClientSecret, Open, Pasted, RedirectUri } from './oauth-fields.js';
import { SignIn } from './oauth-sign-in.js';

const CLOUD = 'https://console.cloud.google.com/iam-admin/serviceaccounts';
const DELEGATION = 'https://admin.google.com/ac/owl/domainwidedelegation';
const PLATFORM = 'https://console.cloud.google.com/auth/audience';
const SCOPE = 'https://mail.google.com/';

/** A file of this computer in place of pasting it. */
function KeyFile({ draft, locked }) {
  const input = useRef(null);
  const read = async () => {
    const [file] = input.current.files;
    if (!file) return;
    draft.set('service_account_key', await file.text());
    draft.leave('service_account_key');
  };
  return html`
    <div class="field"><label for="key_file">${t('oauth.google.key.file')}</label>
      <input id="key_file" type="file" accept=".json,application/json" ref=${input} disabled=${locked} onChange=${read} /></div>`;
}

/** What is known of the key: from the file that is in the form, else from the server. */
function knownOf(draft) {
  const file = serviceAccountOf(draft.form.service_account_key);
  return file?.type === 'service_account' ? file : draft.oauthHeld.service_account_key ?? {};
}

function ByServiceAccount({ field, draft, locked }) {
  const known = knownOf(draft);
  return html`
    <${Guide}>
      <${Step} id="account" title=${t('oauth.google.account')} path=${t('oauth.google.account.path')} href=${CLOUD} link=${t('oauth.open.cloud')} text=${t('oauth.google.account.text')} />
      <${Step} id="key" title=${t('oauth.google.key')} path=${t('oauth.google.key.path')} text=${t('oauth.google.key.text')}>
        <${KeyFile} draft=${draft} locked=${locked} />
        <${Pasted} field=${field} draft=${draft} name="service_account_key" />
        ${known.client_email && html`<p class="hint" data-account=${known.client_email}>${t('oauth.google.key.of', { email: known.client_email, id: known.private_key_id })}</p>`}
        <p class="hint">${t('oauth.google.key.forbidden')}</p><//>
      <${Step} id="delegate" title=${t('oauth.google.delegate')} path=${t('oauth.google.delegate.path')} href=${DELEGATION} link=${t('oauth.open.admin_google')} text=${t('oauth.google.delegate.text')}>
        ${known.client_id ? html`<${CopyLine} id="delegate-client" what=${t('oauth.google.delegate.client')} text=${known.client_id} />`
          : html`<p class="hint">${t('oauth.google.delegate.client')}: ${t('oauth.google.delegate.after_key')}</p>`}
        <${CopyLine} id="delegate-scope" what=${t('oauth.google.delegate.scope')} text=${SCOPE} />
        <${Notice} tone="warn">${t('oauth.google.warning')}<//><//>
      <${Step} id="check" title=${t('oauth.check')} text=${t('oauth.check.text')} />
    <//>`;
}

const ByPerson = (parts) => html`
  <${Guide}>
    <${Step} id="audience" title=${t('oauth.google.audience')} path=${t('oauth.google.audience.path')} href=${PLATFORM} link=${t('oauth.open.cloud')} text=${t('oauth.google.audience.text')} />
    <${Step} id="client" title=${t('oauth.google.client')} path=${t('oauth.google.client.path')} text=${t('oauth.google.client.text')}>
      <${RedirectUri} ...${parts} />
      <${Open} field=${parts.field} name="client_id" required />
      <${ClientSecret} field=${parts.field} draft=${parts.draft} /><//>
    <${Step} id="sign-in" title=${t('oauth.sign_in')}><${SignIn} ...${parts} /><//>
    <${Step} id="check" title=${t('oauth.check')} text=${t('oauth.check.text')} />
  <//>`;

export const Google = (parts) => (parts.draft.form.grant === 'refresh_token' ? html`<${ByPerson} ...${parts} />` : html`<${ByServiceAccount} ...${parts} />`);
