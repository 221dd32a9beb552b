// Any other authorisation server: its addresses, the client that is known there, and a sign-in where a person is asked.
import '../oauth-api.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Guide, Step } from './guide.js';
import { ClientSecret, Open, RedirectUri } from './oauth-fields.js';
import { SignIn } from './oauth-sign-in.js';

const SECURE = 'https://';

export function Generic(parts) {
  const { field, draft } = parts;
  const byPerson = draft.form.grant === 'refresh_token';
  const address = (name, more) => html`<${Open} field=${field} name=${name} inputmode="url" placeholder=${SECURE} ...${more} />`;
  return html`
    <${Guide}>
      <${Step} id="server" title=${t('oauth.generic.server')} text=${t('oauth.generic.server.text')}>
        ${address('token_url', { required: true })}
        ${byPerson && address('authorize_url', { required: !draft.form.device_url.trim() })}
        ${byPerson && address('device_url', { optional: true })}
        <${Open} field=${field} name="scope" required hint=${t('oauth.generic.scope.hint')} /><//>
      <${Step} id="client" title=${t('oauth.generic.client')} text=${byPerson && t('oauth.generic.client.text')}>
        ${byPerson && html`<${RedirectUri} ...${parts} />`}
        <${Open} field=${field} name="client_id" required />
        <${ClientSecret} field=${field} draft=${draft} optional=${byPerson} /><//>
      ${byPerson && html`<${Step} id="sign-in" title=${t('oauth.sign_in')}><${SignIn} ...${parts} hasDevice=${Boolean(draft.form.device_url.trim())} /><//>`}
      <${Step} id="check" title=${t('oauth.check')} text=${t('oauth.check.text')} />
    <//>`;
}
