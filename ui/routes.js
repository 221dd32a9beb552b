// Which page an address names, who may open it, and the module that draws it. Addresses live behind the #; a module comes when its
// page is opened, and stays.
import { html } from './html.js';
import { NotAllowed, NotFound } from './parts/nowhere.js';
import { isAdmin } from './store.js';

const HOME = '#/settings/email';
const ACCOUNT = '#/account';

/** Where a person begins. */
export const homeOf = (session) => (isAdmin(session) ? HOME : ACCOUNT);

/** access: "outside" needs no session, "member" any, and without it the page is an administrator's. page(module, …what the address says). */
const ROUTES = [
  { path: /^#\/settings\/email(?:\/(password|test|domain|edit))?$/, nav: 'settings', title: 'settings.page',
    load: () => import('./pages/settings-email.js'), page: ({ SettingsEmailPage: Page }, aim) => html`<${Page} aim=${aim} />` },
  { path: /^#\/outbox(?:\?.*)?$/, nav: 'outbox', title: 'nav.outbox',
    load: () => import('./pages/outbox.js'), page: ({ OutboxPage: Page }) => html`<${Page} />` },
  { path: /^#\/outbox\/([\w-]+)$/, nav: 'outbox', title: 'email.title',
    load: () => import('./pages/email.js'), page: ({ EmailPage: Page }, id) => html`<${Page} key=${id} id=${id} />` },
  { path: /^#\/sandbox$/, nav: 'sandbox', title: 'nav.sandbox',
    load: () => import('./pages/sandbox.js'), page: ({ SandboxPage: Page }) => html`<${Page} />` },
  { path: /^#\/sandbox\/([\w-]+)$/, nav: 'sandbox', title: 'nav.sandbox',
    load: () => import('./pages/capture.js'), page: ({ CapturePage: Page }, id) => html`<${Page} key=${id} id=${id} />` },
  { path: /^#\/people$/, nav: 'people', title: 'nav.people',
    load: () => import('./pages/people.js'), page: ({ PeoplePage: Page }) => html`<${Page} />` },
  { path: /^#\/applications$/, nav: 'applications', title: 'nav.applications',
    load: () => import('./pages/applications.js'), page: ({ ApplicationsPage: Page }) => html`<${Page} />` },
  { path: /^#\/webhooks$/, nav: 'webhooks', title: 'nav.webhooks',
    load: () => import('./pages/webhooks.js'), page: ({ WebhooksPage: Page }) => html`<${Page} />` },
  { path: /^#\/webhooks\/([\w-]+)$/, nav: 'webhooks', title: 'nav.webhook',
    load: () => import('./pages/webhooks.js'), page: ({ WebhookPage: Page }, id) => html`<${Page} key=${id} id=${id} />` },
  { path: /^#\/mail-texts$/, nav: 'texts', title: 'nav.texts',
    load: () => import('./pages/mail-texts.js'), page: ({ MailTextsPage: Page }) => html`<${Page} />` },
  { path: /^#\/mail-texts\/([\w.-]+)\/(de|en)$/, nav: 'texts', title: 'nav.text',
    load: () => import('./pages/mail-text.js'),
    page: ({ MailTextPage: Page }, name, locale) => html`<${Page} key=${`${name} ${locale}`} name=${name} locale=${locale} />` },
  { path: /^#\/organisation$/, nav: 'organisation', title: 'nav.organisation',
    load: () => import('./pages/organisation.js'), page: ({ OrganisationPage: Page }) => html`<${Page} />` },
  { path: /^#\/audit(?:\?.*)?$/, nav: 'audit', title: 'nav.audit',
    load: () => import('./pages/audit.js'), page: ({ AuditPage: Page }) => html`<${Page} />` },
  { path: /^#\/oauth-return$/, nav: 'settings', title: 'oauth_return.title',
    load: () => import('./pages/oauth-return.js'), page: ({ OauthReturnPage: Page }) => html`<${Page} />` },
  { path: /^#\/account$/, nav: 'account', title: 'account.title', access: 'member',
    load: () => import('./pages/account.js'), page: ({ AccountPage: Page }) => html`<${Page} />` },
  { path: /^#\/setup\/([\w-]+)$/, title: 'setup_page.title', access: 'outside',
    load: () => import('./pages/setup.js'), page: ({ SetupPage: Page }, token) => html`<${Page} key=${token} token=${token} />` },
  { path: /^#\/arrived\/([\w-]+)$/, title: 'arrived.title', access: 'outside', // the link in a test mail: whoever reads it need not sign in
    load: () => import('./pages/arrived.js'), page: ({ ArrivedPage: Page }, token) => html`<${Page} key=${token} token=${token} />` },
  { path: /^#\/invitation\/([\w-]+)$/, title: 'invitation.title', access: 'outside',
    load: () => import('./pages/invitation.js'), page: ({ InvitationPage: Page }, token) => html`<${Page} key=${token} token=${token} />` },
  { path: /^#\/reset$/, title: 'reset.title', access: 'outside',
    load: () => import('./pages/reset.js'), page: ({ AskResetPage: Page }) => html`<${Page} />` },
  { path: /^#\/reset\/([\w-]+)$/, title: 'reset.new_title', access: 'outside',
    load: () => import('./pages/reset.js'), page: ({ ResetPage: Page }, token) => html`<${Page} key=${token} token=${token} />` },
];

const SIGN_IN = { title: 'sign_in.title', access: 'outside',
  load: () => import('./pages/sign-in.js'), page: ({ SignInPage: Page }, target) => html`<${Page} target=${target} />` };
const NOT_FOUND = { title: 'not_found.title', access: 'member', page: (none, home) => html`<${NotFound} home=${home} />` };
const NOT_ALLOWED = { title: 'not_allowed.title', access: 'member', page: (none, home) => html`<${NotAllowed} home=${home} />` };

const isStart = (hash) => ['', '#/', '#/sign-in'].includes(hash);
const named = (hash) => ROUTES.find(({ path }) => path.test(hash));

/** The place that an address leads this person to: { route, given }, given: what the address says, for the page. */
export function placeOf(hash, session) {
  const aim = session.authenticated && isStart(hash) ? homeOf(session) : hash;
  const route = named(aim);
  if (route?.access === 'outside') return { route, given: route.path.exec(aim).slice(1) };
  if (!session.authenticated) return { route: SIGN_IN, given: [route ? aim : ''] };
  if (!route) return { route: NOT_FOUND, given: [homeOf(session)] };
  if (!route.access && !isAdmin(session)) return { route: NOT_ALLOWED, given: [homeOf(session)] };
  return { route, given: route.path.exec(aim).slice(1) };
}

/** Nobody needs the address of the start page while standing on the page it leads to. */
export const replaceStart = (hash, session) => {
  if (session.authenticated && isStart(hash)) location.replace(homeOf(session));
};

// --- Modules ---------------------------------------------------------------------------------------------------------

const modules = new Map(); // by route; null: it did not come

export const isThere = (route) => !route.load || modules.has(route);
export const moduleOf = (route) => modules.get(route) ?? null;

/** Never fails: what did not come is noted, and shown by whoever draws it. */
export const fetchModule = (route) => route.load().then((module) => modules.set(route, module), () => modules.set(route, null));

/** Asks for the page that an address most likely leads to, before anybody knows who is asking. */
export const fetchEarly = (hash) => {
  const route = named(hash);
  if (route) fetchModule(route);
};
