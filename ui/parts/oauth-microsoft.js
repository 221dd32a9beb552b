// Microsoft 365: what to click in Entra, what to run in Exchange, and what comes back into the form.
import { useState } from 'preact/hooks';
import '../oauth-api.js';
import { html } from '../html.js';
import { date, t } from '../i18n.js';
import { isGuid } from '../oauth-fault.js';
import { linesFor } from '../powershell.js';
import { Choice } from './choice.js';
import { Field } from './field.js';
import { Clicks, CopyBlock, Guide, Step } from './guide.js';
import { ClientSecret, Ends, Open, Pasted, RedirectUri } from './oauth-fields.js';
import { SignIn } from './oauth-sign-in.js';

const ENTRA = 'https://entra.microsoft.com/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade';
const ADMIN = 'https://admin.microsoft.com/#/users';
const BEGIN = { certificate: '-----BEGIN CERTIFICATE-----', key: '-----BEGIN PRIVATE KEY-----' };
const OPENSSL = "openssl req -x509 -newkey rsa:3072 -sha256 -days 730 -nodes \\\n  -subj '/CN=Absender' -keyout absender.key -out absender.pem";

const ClientId = ({ field }) => html`<${Open} field=${field} name="client_id" label=${t('oauth.ms.client_id')} required />`;
const Tenant = ({ field }) => html`<${Open} field=${field} name="tenant" required />`;
const Ids = ({ field }) => html`<div class="pair"><${ClientId} field=${field} /><${Tenant} field=${field} /></div>`;

function CertificateFields({ field, draft }) {
  const { certificate } = draft.oauthHeld;
  return html`
    <p>${t('oauth.ms.certificate.make')}</p>
    <${CopyBlock} id="openssl-line" what="OpenSSL" text=${OPENSSL} />
    <${Clicks} path=${t('oauth.ms.certificate.path')} />
    <p>${t('oauth.ms.certificate.text')}</p>
    <${Pasted} field=${field} draft=${draft} name="certificate" placeholder=${BEGIN.certificate}
      hint=${certificate && t('oauth.certificate.of', { subject: certificate.subject, date: date(certificate.not_after) })} />
    ${certificate && html`<${Ends} at=${certificate.not_after} /><p class="hint hash">${t('oauth.thumbprint')}: <code>${certificate.thumbprint_sha1}</code></p>`}
    <${Pasted} field=${field} draft=${draft} name="private_key" placeholder=${BEGIN.key} />`;
}

const SecretFields = ({ field, draft, optional }) => html`
  <${Clicks} path=${t('oauth.ms.secret.path')} />
  <p>${t('oauth.ms.secret.text')}</p>
  <${ClientSecret} field=${field} draft=${draft} label=${t('oauth.ms.client_secret')} optional=${optional} />`;

const PROOFS = ['client_secret', 'certificate'];

const Proof = ({ field, draft, locked }) => html`
  <${Choice} name="proof" label=${t('oauth.proof')} value=${draft.form.grant} disabled=${locked} onChoose=${(grant) => draft.setMany({ grant })}
    choices=${PROOFS.map((value) => ({ value, label: t(`oauth.proof.${value}`), hint: t(`oauth.proof.${value}.hint`) }))} />
  ${draft.form.grant === 'certificate' ? html`<${CertificateFields} field=${field} draft=${draft} />` : html`<${SecretFields} field=${field} draft=${draft} />`}`;

/** The lines that open one mailbox, with everything filled in that is known. */
function Mailbox({ draft, locked }) {
  const [object, setObject] = useState('');
  const { form } = draft;
  const clientId = form.client_id.trim();
  const typed = object.trim();
  const fault = !typed ? '' : typed === clientId ? t('oauth.ms.object.is_client') : isGuid(typed) ? '' : t('oauth.fault.guid');
  const sender = form.from_email.trim();
  return html`
    <${Field} id="enterprise_object" label=${t('oauth.ms.object')} hint=${t('oauth.ms.object.hint')} value=${object} fault=${fault} disabled=${locked}
      autocomplete="off" spellcheck="false" autocapitalize="off" onValue=${setObject} />
    <${CopyBlock} id="exchange-lines" what=${t('oauth.ms.shell')} text=${linesFor({
      clientId: isGuid(clientId) ? clientId : '', objectId: fault ? '' : typed, mailbox: form.username.trim() || sender, sender,
    })} />
    <p class="hint">${t('oauth.ms.shell.fill')} ${t('oauth.ms.shell.patience')}</p>`;
}

const ByApplication = ({ field, draft, locked }) => html`
  <${Guide}>
    <${Step} id="register" title=${t('oauth.ms.register')} path=${t('oauth.ms.register.path')} href=${ENTRA} link=${t('oauth.open.entra')}
      text=${t('oauth.ms.register.application')}><${Ids} field=${field} /><//>
    <${Step} id="proof" title=${t('oauth.ms.proof')}><${Proof} field=${field} draft=${draft} locked=${locked} /><//>
    <${Step} id="permit" title=${t('oauth.ms.permit')} path=${t('oauth.ms.permit.path')} text=${t('oauth.ms.permit.text')} />
    <${Step} id="mailbox" title=${t('oauth.ms.mailbox')} text=${t('oauth.ms.mailbox.text')}>
      <${Clicks} path=${t('oauth.ms.mailbox.path')} />
      <${Mailbox} draft=${draft} locked=${locked} /><//>
    <${Step} id="check" title=${t('oauth.check')} text=${t('oauth.check.text')} />
  <//>`;

function ByPerson(parts) {
  const { field, draft } = parts;
  const isPersonal = draft.form.tenant === 'consumers';
  return html`
    <${Guide}>
      <${Step} id="register" title=${t('oauth.ms.register')} path=${t('oauth.ms.register.path')} href=${ENTRA} link=${t('oauth.open.entra')}
        text=${t(isPersonal ? 'oauth.ms.register.personal' : 'oauth.ms.register.person')}>
        <${RedirectUri} ...${parts} />
        <p>${t('oauth.ms.register.ids')}</p>
        ${isPersonal ? html`<${ClientId} field=${field} />` : html`<${Ids} field=${field} />`}<//>
      <${Step} id="proof" title=${t('oauth.ms.proof')}><${SecretFields} field=${field} draft=${draft} optional /><//>
      <${Step} id="permit" title=${t('oauth.ms.permit')} path=${t('oauth.ms.permit.person.path')} />
      ${!isPersonal && html`<${Step} id="smtp" title=${t('oauth.ms.smtp')} path=${t('oauth.ms.smtp.path')} href=${ADMIN} link=${t('oauth.open.admin_microsoft')} />`}
      <${Step} id="sign-in" title=${t('oauth.sign_in')}><${SignIn} ...${parts} hasDevice=${parts.preset?.oauth?.device_code ?? true} /><//>
      <${Step} id="check" title=${t('oauth.check')} text=${t('oauth.check.text')} />
    <//>`;
}

export const Microsoft = (parts) => (parts.draft.form.grant === 'refresh_token' ? html`<${ByPerson} ...${parts} />` : html`<${ByApplication} ...${parts} />`);
