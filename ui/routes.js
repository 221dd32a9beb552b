// Which page an address names, who may open it, and the module that draws it. Addresses live behind the #; a module comes when its
// page is opened, and stays.
import { api } from './api.js';
import { needTexts } from './i18n.js';

const HOME = '#/settings/email';
const ACCOUNT = '#/account';

export const isAdmin = (session) => session.member?.role === 'org_admin';

/** Where a person begins. */
export const homeOf = (session) => (isAdmin(session) ? HOME : ACCOUNT);

/**
 * access: "outside" needs no session, "member" any, and without it the page is an administrator's. page(module, …what the address says):
 * the component and what it is given. texts, ask(…what the address says): the words the page waits for and the answer it shows, which are
 * asked for while its module is still on its way.
 */
const ROUTES = [
  { path: /^#\/settings\/email(?:\/(password|test|domain|edit))?$/, nav: 'settings', title: 'settings.page',
    load: () => import('./pages/settings-email.js'), page: ({ SettingsEmailPage }, aim) => [SettingsEmailPage, { aim }] },
  { path: /^#\/outbox(?:\?.*)?$/, nav: 'outbox', title: 'nav.outbox',
    load: () => import('./pages/outbox.js'), page: ({ OutboxPage }) => [OutboxPage] },
  { path: /^#\/outbox\/([\w-]+)$/, nav: 'outbox', title: 'email.title',
    load: () => import('./pages/email.js'), page: ({ EmailPage }, id) => [EmailPage, { key: id, id }] },
  { path: /^#\/sandbox$/, nav: 'sandbox', title: 'nav.sandbox',
    load: () => import('./pages/sandbox.js'), page: ({ SandboxPage }) => [SandboxPage] },
  { path: /^#\/sandbox\/([\w-]+)$/, nav: 'sandbox', title: 'nav.sandbox',
    load: () => import('./pages/capture.js'), page: ({ CapturePage }, id) => [CapturePage, { key: id, id }] },
  { path: /^#\/people$/, nav: 'people', title: 'nav.people',
    load: () => import('./pages/people.js'), page: ({ PeoplePage }) => [PeoplePage] },
  { path: /^#\/applications$/, nav: 'applications', title: 'nav.applications',
    load: () => import('./pages/applications.js'), page: ({ ApplicationsPage }) => [ApplicationsPage] },
  { path: /^#\/webhooks$/, nav: 'webhooks', title: 'nav.webhooks',
    load: () => import('./pages/webhooks.js'), page: ({ WebhooksPage }) => [WebhooksPage] },
  { path: /^#\/webhooks\/([\w-]+)$/, nav: 'webhooks', title: 'nav.webhook',
    load: () => import('./pages/webhooks.js'), page: ({ WebhookPage }, id) => [WebhookPage, { key: id, id }] },
  { path: /^#\/mail-texts$/, nav: 'texts', title: 'nav.texts',
    load: () => import('./pages/mail-texts.js'), page: ({ MailTextsPage }) => [MailTextsPage] },
  { path: /^#\/mail-texts\/([\w.-]+)\/(de|en)$/, nav: 'texts', title: 'nav.text',
    load: () => import('./pages/mail-text.js'),
    page: ({ MailTextPage }, name, locale) => [MailTextPage, { key: `${name} ${locale}`, name, locale }] },
  { path: /^#\/organisation$/, nav: 'organisation', title: 'nav.organisation',
    load: () => import('./pages/organisation.js'), page: ({ OrganisationPage }) => [OrganisationPage] },
  { path: /^#\/audit(?:\?.*)?$/, nav: 'audit', title: 'nav.audit',
    load: () => import('./pages/audit.js'), page: ({ AuditPage }) => [AuditPage] },
  { path: /^#\/oauth-return$/, nav: 'settings', title: 'oauth_return.title',
    load: () => import('./pages/oauth-return.js'), page: ({ OauthReturnPage }) => [OauthReturnPage] },
  { path: /^#\/account$/, nav: 'account', title: 'account.title', access: 'member',
    load: () => import('./pages/account.js'), page: ({ AccountPage }) => [AccountPage] },
  { path: /^#\/setup\/([\w-]+)$/, title: 'setup_page.title', access: 'outside', texts: ['start'],
    load: () => import('./pages/setup.js'), page: ({ SetupPage }, token) => [SetupPage, { key: token, token }] },
  { path: /^#\/arrived\/([\w-]+)$/, title: 'arrived.title', access: 'outside', texts: ['start'], // the link in a test mail: whoever reads it need not sign in
    load: () => import('./pages/arrived.js'), page: ({ ArrivedPage }, token) => [ArrivedPage, { key: token, token }] },
  { path: /^#\/invitation\/([\w-]+)$/, title: 'invitation.title', access: 'outside', texts: ['start'], ask: api.lookUpInvitation,
    load: () => import('./pages/invitation.js'), page: ({ InvitationPage }, token) => [InvitationPage, { key: token, token }] },
  { path: /^#\/reset$/, title: 'reset.title', access: 'outside', texts: ['start'],
    load: () => import('./pages/reset.js'), page: ({ AskResetPage }) => [AskResetPage] },
  { path: /^#\/reset\/([\w-]+)$/, title: 'reset.new_title', access: 'outside', texts: ['start'],
    load: () => import('./pages/reset.js'), page: ({ ResetPage }, token) => [ResetPage, { key: token, token }] },
];

const SIGN_IN = { title: 'sign_in.title', access: 'outside', texts: ['start'],
  load: () => import('./pages/sign-in.js'), page: ({ SignInPage }, target) => [SignInPage, { target }] };
const NOT_FOUND = { title: 'not_found.title', access: 'member',
  load: () => import('./parts/nowhere.js'), page: ({ NotFound }, home) => [NotFound, { home }] };
const NOT_ALLOWED = { title: 'not_allowed.title', access: 'member',
  load: () => import('./parts/nowhere.js'), page: ({ NotAllowed }, home) => [NotAllowed, { home }] };

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
let inside = null; // what is drawn around the pages of whoever is signed in, once it is there

export const shell = () => inside;
export const isThere = (route) => modules.has(route);
export const moduleOf = (route) => modules.get(route) ?? null;

async function fetchShell() {
  inside = (await import('./parts/shell.js')).Shell;
  return inside;
}

/** Never fails: what did not come is noted, and shown by whoever draws it. */
export async function fetchRoute(route) {
  const came = await Promise.allSettled([route.load(), needTexts(...route.texts ?? []), route.access === 'outside' || fetchShell()]);
  modules.set(route, came.every(({ value }) => value) ? came[0].value : null);
}

// --- Ahead -----------------------------------------------------------------------------------------------------------

const MOMENT_MS = 100; // an answer that takes longer is waited for on the page, not before it

let asked = null; // for the page that comes first: { given, answer: the promise, found: what came of it }

/** What was asked for ahead, once: { answer, found }; null: nothing, or for another address. */
export function takeAsked(...given) {
  const taken = asked;
  asked = null;
  return taken?.given.join() === given.join() ? taken : null;
}

function ask(route, given) {
  asked = { given, answer: route.ask(...given), found: null };
  return asked.answer.then((found) => { asked.found = found; }, () => {}); // what is wrong is said by the page
}

const moment = () => new Promise((resolve) => { setTimeout(resolve, MOMENT_MS); });

/**
 * Asks at once for all that the address most likely leads to, before anybody knows who is asking: the page, and what it shows. Settles when
 * these are there, or the answer keeps one waiting.
 */
export async function fetchEarly(hash) {
  const route = named(hash);
  if (!route) return;
  const answer = route.ask && ask(route, route.path.exec(hash).slice(1));
  await fetchRoute(route);
  if (answer) await Promise.race([answer, moment()]);
}
