// What is known about a provider, as the form needs it. No markup here.

/** Names with a part in <angle brackets> differ per account: they are left to the person, and shown as an example. */
export const perAccount = (name) => Boolean(name?.includes('<'));

/** The example under a name: "smtp.ionos.de", or with what differs left out: "w0….kasserver.com". */
export const exampleOf = (host) => host?.replace(/x{3,}>/g, '…').replace(/[<>]/g, '') ?? '';

/** "Gmail / Google Workspace (smtp.gmail.com)" is Gmail. */
export const shortName = (name) => name.split(/ [/(]/)[0];

export const presetById = (presets, id) => presets.find((preset) => preset.id === id) ?? null;

export const presetOfHost = (presets, host) =>
  presets.find(({ endpoints }) => host && endpoints.some((endpoint) => endpoint.host === host)) ?? null;

/** How one signs in there: password, app_password, api_key, oauth2_preferred, oauth2_only. */
export const authOf = (preset) => preset?.auth ?? (preset?.password?.app_password === 'required' ? 'app_password' : 'password');

/** The user name for an address; '' where it is the address itself, or has to be asked for. */
function usernameOf({ username, username_template: template }, email) {
  if (username) return username;
  if (!template || template === '{email}' || perAccount(template)) return '';
  return template.replace('{localpart}', email.split('@')[0] || '').replace('{email}', email);
}

/** True if the user name is another one per account, so that nobody but the person knows it. */
export const asksUsername = (preset) => perAccount(preset?.username_template);

/** What choosing a provider writes into the form. What another one has put there goes; what a person typed stays. */
export function valuesOf(preset, form, presets) {
  const [endpoint] = preset.endpoints;
  const given = (field, name) => preset[field] ?? (presets.some((one) => one[field] && one[field] === form[name]) ? '' : form[name]);
  return {
    host: perAccount(endpoint.host) ? '' : endpoint.host, port: String(endpoint.port), security: endpoint.security,
    from_email: given('from_email', 'from_email'), username: usernameOf(preset, form.from_email.trim()),
    password: given('password_hint', 'password'),
  };
}

/** What a found server writes into the form. */
export const valuesOfCandidate = ({ host, port, security, username }, email) => ({
  host: host ?? '', port: String(port), security, username: username && username.toLowerCase() !== email.toLowerCase() ? username : '',
});
