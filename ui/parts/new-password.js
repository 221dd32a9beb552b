// A new password for an account whose address is known: the address stands there for the eye and for password managers.
import { LEAST_CHARACTERS } from '../credentials.js';
import { readable } from '../domain.js';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { Field, PasswordField } from './field.js';

export const FixedAddress = ({ email }) => html`
  <${Field} id="email" type="email" label=${t('sign_in.email')} autocomplete="username" value=${readable(email)} readonly onValue=${() => {}} />`;

/** field: of a form that has a `password`. */
export const NewPassword = ({ field, label = 'sign_in.password', name = 'password' }) => html`
  <${PasswordField} ...${field(name, label)} required autocomplete="new-password" hint=${t('setup_page.password_hint', { n: LEAST_CHARACTERS })} />`;
