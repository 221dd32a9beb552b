// What is known about a provider, as the pages need it. No markup here.

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

/** True if the user name is another one per account, so that nobody but the person knows it. */
export const asksUsername = (preset) => perAccount(preset?.username_template);
