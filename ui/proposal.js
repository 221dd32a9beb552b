// What choosing a provider, or a server that was found, writes into the form. No markup here.
import { oauthStart } from './oauth.js';
import { perAccount, prefersOauth } from './preset.js';

/** The user name for an address; '' where it is the address itself, or has to be asked for. */
function usernameOf({ username, username_template: template }, email) {
  if (username) return username;
  if (!template || template === '{email}' || perAccount(template)) return '';
  return template.replace('{localpart}', email.split('@')[0] || '').replace('{email}', email);
}

/** How one signs in there, as the form has it: with what the provider prefers. */
export const signInOf = (preset, form) => (prefersOauth(preset) && preset.oauth ? oauthStart(preset, form) : { auth: 'auto' });

/** What choosing a provider writes into the form. What another one has put there goes; what a person typed stays. */
export function valuesOf(preset, form, presets) {
  const [endpoint] = preset.endpoints;
  const given = (field, name) => preset[field] ?? (presets.some((one) => one[field] && one[field] === form[name]) ? '' : form[name]);
  return {
    host: perAccount(endpoint.host) ? '' : endpoint.host, port: String(endpoint.port), security: endpoint.security,
    from_email: given('from_email', 'from_email'), username: usernameOf(preset, form.from_email.trim()),
    password: given('password_hint', 'password'), ...signInOf(preset, form),
  };
}

/** What a found server writes into the form. */
export const valuesOfCandidate = ({ host, port, security, username }, email) => ({
  host: host ?? '', port: String(port), security, username: username && username.toLowerCase() !== email.toLowerCase() ? username : '',
});
