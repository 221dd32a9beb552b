// What is known about a provider, as the form needs it. No markup here.
import { oauthStart } from './oauth.js';

/** Names with a part in <angle brackets> differ per account: they are left to the person, and shown as an example. */
export const perAccount = (name) => Boolean(name?.includes('<'));

/** The example under a name: "smtp.ionos.de", or with what differs left out: "w0….kasserver.com". */
export const exampleOf = (host) => host?.replace(/x{3,}>/g, '…').replace(/[<>]/g, '') ?? '';

/** "Gmail / Google Workspace (smtp.gmail.com)" is Gmail. */
export const shortName = (name) => name.split(/ [/(]/)[0];

export const presetById = (presets, id) => presets.find((preset) => preset.id === id) ?? null;

/** port: where it is known, it tells the sandbox from other servers of this machine. */
export const presetOfHost = (presets, host, port) => presets.find(({ id, endpoints }) => host
  && endpoints.some((endpoint) => endpoint.host === host && (id !== 'sandbox' || !port || String(endpoint.port) === port))) ?? null;

/** How one signs in there: password, app_password, api_key, oauth2_preferred, oauth2_only. */
export const authOf = (preset) => preset?.auth ?? (preset?.password?.app_password === 'required' ? 'app_password' : 'password');

export const prefersOauth = (preset) => ['oauth2_preferred', 'oauth2_only'].includes(authOf(preset));

/** When the provider ends signing in with a password: { at, text }; undefined: it has not said so. */
export const passwordEnd = (preset) => preset?.ends?.find(({ what }) => what === 'password_login');

/** The user name for an address; '' where it is the address itself, or has to be asked for. */
function usernameOf({ username, username_template: template }, email) {
  if (username) return username;
  if (!template || template === '{email}' || perAccount(template)) return '';
  return template.replace('{localpart}', email.split('@')[0] || '').replace('{email}', email);
}

/** True if the user name is another one per account, so that nobody but the person knows it. */
export const asksUsername = (preset) => perAccount(preset?.username_template);

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
