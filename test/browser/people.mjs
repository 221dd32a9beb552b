// People, as a new user tries it, in one language: without SMTP an invitation by copied link and a reset by hand-over, then both by mail through
// the sandbox; roles, sessions, one's own account, and what stands there when something is wrong.
import assert from 'node:assert/strict';
import { eventually, inspect, openBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import {
  ADMIN, callApi, clipboard, forgive, openAnew as follow, setSending, setupState, text, untilAnnounced, untilFocused, untilText, verifySandbox,
} from './steps.mjs';
import { chain } from './tap.mjs';

const BERND = { name: 'Bernd Bäcker', email: 'bernd@example.org', password: 'vier Brote backen morgens' };
const CARLA = { name: 'Carla Cremer', email: 'carla@example.org', password: 'drei Torten am Nachmittag' };
const FRIDA = 'frida@example.org'; // invited, and never comes
const ORGANISATION = 'Bäckerei Müller';
const ASKED_MS = 100; // for the invitation, in a warm browser
const WORK_MS = 250; // of its thread on a machine that does much else, where the same work takes twice as long
const LATER_MS = 300; // so much later than the fault the words for it come
const IS_IDLE = process.env.BROWSER_IDLE === '1'; // nothing else runs here: the clock on the wall tells something

const WORDS = {
  de: {
    inviteByLink: 'Einladungslink erzeugen', invite: 'Einladung senden', fresh: /funktionieren nicht mehr/, gone: 'Diese Einladung gilt nicht mehr', admins: 'Nur für Administratoren',
    short: /mindestens 10 Zeichen/, common: /zu leicht zu erraten/, url: /ohne weiteren Pfad/, local: /nur auf diesem Rechner/, asked: 'Anfrage angekommen', wrong: /nicht Ihr jetziges Passwort/,
    hello: `Einladung zu ${ORGANISATION}`, handOver: 'Link weitergeben', accept: 'Konto anlegen', missing: 'Bitte geben Sie Ihren Namen an.',
    ended: /sobald sich Ihre Rolle oder Ihr Passwort ändert/, failed: 'Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.', unreachable: 'Absender antwortet nicht. Läuft der Dienst noch?',
  },
  en: {
    inviteByLink: 'Make invitation link', invite: 'Send invitation', fresh: /have stopped working/, gone: 'This invitation is no longer valid', admins: 'For administrators only',
    short: /at least 10 characters/, common: /too easy to guess/, url: /without a path/, local: /this computer only/, asked: 'Request received', wrong: /not your (current|present) password/,
    hello: `Invitation to ${ORGANISATION}`, handOver: 'pass on a link', accept: 'Create account', missing: 'Please enter your name.',
    ended: /as soon as your role or your password changes/, failed: 'That did not work. Please try again.', unreachable: 'Absender does not answer. Is the service still running?',
  },
};

const row = (page, kind, who) => page.locator(`[data-${kind}]`).filter({ hasText: who });
const linkIn = (page) => page.locator('.link-box .secret code').textContent();

/** Every field that is wrong is framed, said in words and tied to them; the first has the focus. */
async function faultsOf(page) {
  return page.$$eval('[aria-invalid=true]', (all) => all.map((input) => {
    const said = (input.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
    return { id: input.id, said, framed: getComputedStyle(input).boxShadow !== 'none', focused: input === document.activeElement };
  }));
}

async function signIn(page, url, who, password = who.password) {
  await page.goto(`${url}/#/sign-in`);
  await page.fill('#email', who.email);
  await page.fill('#password', password);
  await page.keyboard.press('Enter');
}

async function signOut(page) {
  await page.locator('.account button').click();
  await page.waitForSelector('#password[autocomplete=current-password]');
}

async function accept(page, who) {
  await page.fill('#name', who.name);
  await page.fill('#password', who.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.account');
}

const peoplePage = async (page, url) => {
  await page.goto(`${url}/#/people`);
  await page.waitForSelector('[data-member]');
};

async function invite(page, email) {
  await page.click('#invite');
  await page.waitForSelector('.invite');
  await page.fill('#email', email);
  await page.keyboard.press('Enter');
  await row(page, 'invitation', email).waitFor();
}

/** "Copy link" in a row, and yes if it asks: what stands in the clipboard then. */
async function copyLink(page, entry) {
  const code = entry.locator('.link-box .secret code');
  const before = await code.count() ? await code.textContent() : '';
  await entry.locator('.buttons button').first().click();
  const question = entry.locator('.ask .primary');
  const fresh = entry.locator('.link-box .secret code').filter({ hasNotText: before || 'no link yet' });
  await Promise.race([question.waitFor(), fresh.waitFor()]);
  if (await question.count()) await question.click();
  await fresh.waitFor();
  return eventually(async () => {
    const shown = await code.textContent();
    assert.equal(await clipboard(page), shown);
    return shown;
  });
}

/** The page sees this open invitation as one whose time is over, until it is renewed by a button among those: the fresh link, in an open row again. */
async function renewExpired(page, id, button) {
  const LIST = '**/v1/invitations?*';
  const DEED = `**/v1/invitations/${id}/*`;
  let isOver = true;
  await page.route(DEED, (route) => {
    isOver = false;
    return route.continue();
  });
  await page.route(LIST, async (route) => {
    if (!isOver) return route.continue();
    const response = await route.fetch();
    const answer = await response.json();
    const invitation = await (await page.context().request.get(new URL(`/v1/invitations/${id}`, page.url()).href)).json();
    const data = answer.data.filter((one) => one.id !== id);
    if (route.request().url().includes('state=past')) data.unshift({ ...invitation, state: 'expired', expires_at: invitation.created_at });
    return route.fulfill({ response, json: { ...answer, data } });
  });
  await page.reload();
  const entry = page.locator(`[data-invitation=${id}]`);
  await page.locator('details summary').click();
  await entry.and(page.locator('[data-state=expired]')).getByRole('button').nth(button).click();
  await entry.and(page.locator('[data-delivery]')).locator('.link-box').waitFor();
  await untilFocused(page, '.link-box h3');
  await page.unroute(LIST);
  await page.unroute(DEED);
  return linkIn(page);
}

/** The link in the newest captured mail to this address, as its page in the sandbox lists it. */
async function mailedLink(page, url, to, kind) {
  const id = await eventually(async () => {
    const { data } = (await callApi(page, 'GET', '/v1/sandbox/messages')).body;
    const found = data.find((one) => [].concat(one.to).includes(to));
    assert.ok(found, `a mail to ${to}`);
    return found.id;
  });
  await page.goto(`${url}/#/sandbox/${id}`);
  return page.locator(`.link-list a[href*="/#/${kind}/"]`).first().getAttribute('href');
}

async function begin(step, { daemon, admin, words, look }) {
  const { page } = admin;

  await step('set-up asks where this service is reached, knows the answer, and says what is wrong with another', async () => {
    await page.goto(daemon.setupLink);
    await page.waitForSelector('#public_url');
    assert.equal(await page.inputValue('#public_url'), daemon.url);
    await untilText(page, '#public_url-hint', words.local);
    await page.fill('#public_url', `${daemon.url}/path`);
    await page.click('button[type=submit]');
    await eventually(async () => {
      const faults = await faultsOf(page);
      assert.deepEqual(faults.map(({ id }) => id), ['name', 'email', 'password', 'public_url']);
      assert.ok(faults.every(({ framed }) => framed) && faults[0].focused);
      assert.match(faults[3].said, words.url);
    });
    await look(page, '50-setup-faults');
    await page.fill('#name', ADMIN.name);
    await page.fill('#email', ADMIN.email);
    await page.fill('#password', ADMIN.password);
    await page.fill('#org_name', ORGANISATION);
    await page.fill('#public_url', daemon.url);
    await page.keyboard.press('Enter');
    await setupState(page, 'not_configured');
    const { body } = await callApi(page, 'GET', '/v1/session');
    assert.deepEqual([body.org_name, body.public_url], [ORGANISATION, daemon.url]);
  });
}

async function byHand(step, { daemon, admin, colleague, words, look, kept }) {
  const { page } = admin;
  const other = colleague.page;

  await step('without SMTP an invitation is a link that is shown and handed on', async () => {
    await page.click('nav a[href="#/people"]');
    await page.waitForSelector('[data-member]');
    assert.equal(await page.locator('[data-member]').count(), 1);
    await page.click('#invite');
    await untilFocused(page, '#email');
    await page.keyboard.press('Enter');
    await eventually(async () => assert.deepEqual((await faultsOf(page)).map(({ id, focused }) => [id, focused]), [['email', true]]));
    await look(page, '51-invite');
    await page.fill('#email', BERND.email);
    await page.getByRole('button', { name: words.inviteByLink }).click();
    await page.waitForSelector('[data-delivery=not_configured] .link-box');
    kept.first = await linkIn(page);
    assert.ok(kept.first.startsWith(`${daemon.url}/#/invitation/`));
    await untilText(page, '.link-box [data-local]', words.local); // 127.0.0.1 leads nobody else here
    assert.equal(await page.locator('.link-box [data-local] a[href="#/organisation"]').count(), 1, 'and where that is mended');
    const mail = new URL(await page.getAttribute('.link-box [data-mail]', 'href'));
    assert.ok(mail.searchParams.get('body').includes(ORGANISATION), 'a mail of one\'s own says where to');
    await untilFocused(page, '.link-box h3');
    assert.ok((await text(page, '[data-invitation] .person')).length > 30, 'it says why it is not delivered');
    await look(page, '52-invited');
  });

  await step('copying the link makes a fresh one, says that the former is dead, and it is', async () => {
    await page.click('.link-box .buttons button');
    kept.second = await copyLink(page, row(page, 'invitation', BERND.email));
    assert.notEqual(kept.second, kept.first);
    await untilText(page, '.link-box .replaced:not([data-local])', words.fresh);
    await untilAnnounced(page, words.fresh);
    await page.waitForSelector('[data-delivery=copied]');
    await look(page, '53-copied');
    await follow(other, kept.first, '[data-gone]');
    await untilText(other, 'h1', words.gone);
    await look(other, '54-invitation-gone');
    forgive(colleague.complaints, 404);
  });

  await step('looking at an invitation uses nothing up, and what is missing is framed and said', async () => {
    await follow(other, kept.second, '[data-offer=member]');
    await other.reload();
    await other.waitForSelector('[data-offer=member]');
    await untilText(other, 'h1', words.hello);
    assert.equal(await other.inputValue('#email'), BERND.email);
    assert.ok(!await other.isEditable('#email'), 'the address is that of the invitation');
    await untilFocused(other, '#name');
    await other.fill('#password', 'kurz');
    await other.press('#password', 'Enter');
    await eventually(async () => {
      const faults = await faultsOf(other);
      assert.deepEqual(faults.map(({ id, framed, focused }) => [id, framed, focused]), [['name', true, true], ['password', true, false]]);
      assert.ok(faults[0].said.includes(words.missing));
      assert.match(faults[1].said, words.short);
    });
    await look(other, '55-invitation-faults');
    await other.fill('#name', BERND.name);
    await other.fill('#password', 'password1234');
    await other.getByRole('button', { name: words.accept }).click();
    await eventually(async () => assert.match((await faultsOf(other))[0]?.said ?? '', words.common));
    forgive(colleague.complaints, 422);
  });

  await step('name and password make the account, and a member sees a small page that says what it is for', async () => {
    await accept(other, BERND);
    await other.waitForSelector('[data-session]');
    await other.waitForURL(/#\/account$/);
    assert.ok((await text(other, '.lead')).includes(ORGANISATION));
    assert.equal(await other.locator('nav').count(), 0, 'no way to pages that are not theirs');
    await look(other, '56-member');
    for (const hash of ['settings/email', 'people', 'outbox']) {
      await other.goto(`${daemon.url}/#/${hash}`);
      await untilText(other, 'h1', words.admins);
    }
    await look(other, '57-not-allowed');
    assert.deepEqual(colleague.complaints, [], 'nothing was asked that is refused');
  });

  await step('the link works once, and the administrator sees who has come in', async () => {
    await follow(other, kept.second, '[data-gone]');
    forgive(colleague.complaints, 404);
    await row(page, 'member', BERND.email).waitFor();
    assert.equal(await page.locator('[data-invitation][data-delivery]').count(), 0);
    await look(page, '58-joined');
  });

  await step('newer ones that are over hide no open invitation; one whose time is over gets a fresh link', async () => {
    const { body: frida } = await callApi(page, 'POST', '/v1/invitations', { email: FRIDA, role: 'member' });
    for (let i = 0; i < 26; i += 1) { // more than a page
      const { body } = await callApi(page, 'POST', '/v1/invitations', { email: `former${i}@example.org`, role: 'member' });
      await callApi(page, 'POST', `/v1/invitations/${body.id}/revoke`);
    }
    await page.reload();
    await row(page, 'invitation', FRIDA).and(page.locator('[data-delivery]')).waitFor();
    const link = await renewExpired(page, frida.id, 0);
    assert.notEqual(link, frida.link);
    await look(page, '58-renewed');
    await follow(other, link, '[data-offer=member]');
  });

  await step('a forgotten password: the page says the same whether there is an account or not', async () => {
    await other.goto(`${daemon.url}/#/account`);
    await signOut(other);
    const said = [];
    for (const email of ['niemand@example.org', BERND.email]) {
      await other.fill('#email', email);
      await other.click('a[href="#/reset"]');
      await other.waitForSelector('form a[href="#/sign-in"]');
      await eventually(async () => assert.equal(await other.inputValue('#email'), email)); // typed once
      await other.press('#email', 'Enter');
      await other.waitForSelector('[data-reset-page=asked]');
      said.push((await text(other, 'main')).replaceAll(email, '…'));
      await look(other, '59-reset-asked');
      await other.click('a[href="#/sign-in"]');
      await other.waitForSelector('#password');
    }
    assert.equal(said[0], said[1]);
    assert.ok(said[0].includes(words.asked));
  });

  await step('without SMTP the request waits in the hand-over list, and the copied link sets a new password', async () => {
    const entry = page.locator('[data-reset][data-state=to_hand_over]');
    await entry.waitFor();
    assert.equal(await page.locator('[data-reset]').count(), 1, 'nobody waits for niemand@');
    assert.ok((await entry.textContent()).includes(words.handOver));
    await page.waitForSelector('a[href="#/people"] [data-waiting="1"]'); // beside the entry of the page, so that it is seen on all of them
    await look(page, '60-handover');
    const link = await copyLink(page, page.locator('[data-reset]'));
    assert.ok(link.startsWith(`${daemon.url}/#/reset/`));
    assert.equal(await page.locator('[data-reset] .link-box .replaced:not([data-local])').count(), 0, 'there was no link before that one');
    await page.waitForSelector('[data-reset][data-state=handed_over]');
    await page.waitForSelector('a[href="#/people"] [data-waiting]', { state: 'detached' });
    const mail = new URL(await page.getAttribute('[data-reset] [data-mail]', 'href')); // the link may also go by the admin's own mail program
    assert.equal(mail.protocol + mail.pathname, `mailto:${BERND.email}`);
    assert.ok(mail.searchParams.get('subject') && mail.searchParams.get('body').includes(`\r\n${link}\r\n`), mail.href.replace(link, 'LINK'));
    await page.locator('[data-reset] .buttons button').first().click(); // a link that is out is not killed without a question
    await untilFocused(page, '[data-reset] .ask .primary');
    await page.locator('[data-reset] .ask button').last().click();
    await untilFocused(page, '[data-reset] [data-ask=copy]');
    await callApi(page, 'POST', '/v1/password-resets', { email: ADMIN.email });
    const mine = page.locator('[data-reset]', { hasText: ADMIN.email });
    await mine.waitFor();
    assert.equal(await mine.locator('[data-ask=copy]').count(), 0, 'a button that can only fail');
    await mine.getByRole('button').click();
    await mine.waitFor({ state: 'detached' });
    await follow(other, link, '#password');
    assert.equal(await other.inputValue('#email'), BERND.email);
    await look(other, '61-reset');
    kept.former = BERND.password;
    kept.password = 'sieben Brezeln vor dem Laden';
    await other.fill('#password', kept.password);
    await other.keyboard.press('Enter');
    await other.waitForSelector('[data-reset-page=done]');
    await look(other, '62-reset-done');
    await follow(other, link, '[data-reset-page=gone]');
    await look(other, '63-reset-gone');
    forgive(colleague.complaints, 404);
  });

  await step('the new password signs in, and the former does not', async () => {
    await signIn(other, daemon.url, BERND, kept.former);
    await other.waitForSelector('.notice.bad');
    forgive(colleague.complaints, 401);
    await other.fill('#password', kept.password);
    await other.keyboard.press('Enter');
    await other.waitForSelector('[data-session]');
  });
}

async function byMail(step, { daemon, admin, colleague, words, look, kept }) {
  const { page } = admin;
  const other = colleague.page;

  await step('with the sandbox set up an invitation goes out as mail, and its link makes an account', async () => {
    await page.goto(`${daemon.url}/#/settings/email`);
    await verifySandbox(page);
    await setupState(page, 'complete');
    await setSending(page, { enabled: true });
    await peoplePage(page, daemon.url);
    await page.click('#invite');
    await page.waitForSelector('.invite');
    await page.fill('#email', CARLA.email);
    await page.click('input[value=org_admin]');
    await page.getByRole('button', { name: words.invite }).click();
    await page.waitForSelector('[data-invitation][data-delivery=sent]');
    await look(page, '64-invited-by-mail');
    const link = await mailedLink(page, daemon.url, CARLA.email, 'invitation');
    await look(page, '65-mail');
    await signOut(other);
    await follow(other, link, '[data-offer=org_admin]');
    await accept(other, CARLA);
    await setupState(other, 'complete');
    assert.ok((await text(other, 'nav')).length > 20, 'an administrator sees everything');
  });

  await step('a copied link kills the mailed one, and the page asks before', async () => {
    await peoplePage(page, daemon.url);
    await invite(page, 'dora@example.org');
    const entry = row(page, 'invitation', 'dora@example.org');
    await page.waitForSelector('[data-invitation][data-delivery=sent]');
    await entry.locator('.link-box .buttons button').click();
    const mailed = await mailedLink(page, daemon.url, 'dora@example.org', 'invitation');
    await peoplePage(page, daemon.url);
    await entry.locator('.buttons button').first().click();
    await page.waitForSelector('#link-question');
    await untilFocused(page, '.ask .primary');
    await look(page, '66-copy-question');
    await entry.locator('.ask button').last().click();
    await untilFocused(page, '[data-ask=copy]');
    await page.keyboard.press('Enter');
    await entry.locator('.ask .primary').click();
    await entry.locator('.link-box .replaced:not([data-local])').waitFor();
    await follow(other, mailed, '[data-gone]');
    forgive(colleague.complaints, 404);
    await entry.locator('.link-box .buttons button').click();
  });

  await step('an invitation is sent again with a link of its own, and revoked', async () => {
    const entry = row(page, 'invitation', 'dora@example.org');
    const again = entry.locator('.buttons button').nth(1);
    await again.click();
    await entry.locator('.link-box').waitFor();
    const link = await linkIn(page);
    await follow(other, link, '[data-offer=member]');
    assert.equal(await other.locator('.notice.warn').count(), 1, 'it says who is signed in here');
    await look(other, '67-invitation-signed-in');
    await entry.locator('.link-box .buttons button').click();
    await entry.locator('.buttons .danger').click();
    await page.waitForSelector('#revoke-question');
    await entry.locator('.ask .danger').click();
    await eventually(async () => assert.equal(await entry.and(page.locator('[data-delivery]')).count(), 0));
    await untilFocused(page, '#invitations-title');
    await follow(other, link, '[data-gone]');
    forgive(colleague.complaints, 404);
  });

  await step('an invitation whose time is over is sent again', async () => {
    const link = await renewExpired(page, await row(page, 'invitation', FRIDA).getAttribute('data-invitation'), 1);
    assert.equal(await mailedLink(page, daemon.url, FRIDA, 'invitation'), link);
    await peoplePage(page, daemon.url);
  });

  await step('a forgotten password comes as mail', async () => {
    await other.goto(`${daemon.url}/#/account`);
    await signOut(other);
    assert.equal(await other.locator('.gate .notice').count(), 0, 'who signs out knows why');
    await other.fill('#email', BERND.email);
    await other.click('a[href="#/reset"]');
    await other.waitForSelector('form a[href="#/sign-in"]');
    await other.press('#email', 'Enter');
    await other.waitForSelector('[data-reset-page=asked]');
    const link = await mailedLink(page, daemon.url, BERND.email, 'reset');
    await follow(other, link, '#password');
    await other.fill('#password', BERND.password);
    await other.keyboard.press('Enter');
    await other.waitForSelector('[data-reset-page=done]');
    await other.click('.gate a.button');
    await untilFocused(other, '#password'); // the address is known
    await other.fill('#password', BERND.password);
    await other.keyboard.press('Enter');
    await other.waitForSelector('[data-session]');
  });
}

async function members(step, { daemon, admin, colleague, words, look }) {
  const { page } = admin;
  const other = colleague.page;

  await step('a member is managed: name, role, a link for a new password; the dialogue gives the focus back', async () => {
    await peoplePage(page, daemon.url);
    const entry = row(page, 'member', BERND.email);
    const manage = entry.locator('[aria-expanded]');
    await manage.click();
    await untilFocused(page, '#name');
    await page.fill('#name', '');
    await page.keyboard.press('Enter');
    await eventually(async () => assert.deepEqual((await faultsOf(page)).map(({ id, focused }) => [id, focused]), [['name', true]]));
    await page.fill('#name', 'Bernd B. Bäcker');
    await page.click('.manage input[value=org_admin]');
    await page.waitForSelector('.manage .notice.info');
    await look(page, '68-manage');
    await page.press('#name', 'Enter');
    await page.locator('[data-member][data-role=org_admin]').filter({ hasText: 'Bernd B. Bäcker' }).waitFor();
    await untilFocused(page, '[id^=manage-]');
  });

  await step('a new role ends the sessions, and signing in again brings what it allows', async () => {
    await other.goto(`${daemon.url}/#/account`);
    await other.reload();
    await other.waitForSelector('#password[autocomplete=current-password]');
    await untilText(other, '.gate .notice', words.ended);
    await look(other, '68b-session-ended');
    forgive(colleague.complaints, 401);
    await signIn(other, daemon.url, BERND);
    await other.waitForSelector('nav a[href="#/people"]');
    await callApi(other, 'POST', '/v1/tokens', { name: 'Kasse', scopes: ['emails:send'] });
  });

  await step('an account that is removed is out at once; before that the page tells of her tokens', async () => {
    await row(page, 'member', BERND.email).locator('[aria-expanded]').click();
    await page.click('.manage input[value=member]');
    await untilText(page, '.manage .notice.info', /API[- ]token/i);
    await page.click('.manage-more .danger');
    await untilText(page, '#member-question', /API[- ]token/i);
    await look(page, '69-remove');
    await page.click('.ask .danger');
    await eventually(async () => assert.equal(await row(page, 'member', BERND.email).count(), 0));
    await other.reload();
    await other.waitForSelector('#password[autocomplete=current-password]');
    forgive(colleague.complaints, 401);
    await other.fill('#email', BERND.email);
    await other.fill('#password', BERND.password);
    await other.keyboard.press('Enter');
    await other.waitForSelector('.notice.bad');
    forgive(colleague.complaints, 401);
  });
}

async function account(step, { daemon, admin, colleague, words, look }) {
  const { page } = admin;
  const other = colleague.page;

  await step('the account says who one is; name and language are changed', async () => {
    await page.click('.account .who');
    await page.waitForSelector('[data-session]');
    await look(page, '70-account');
    await page.fill('#name', 'Anna B.');
    await page.press('#name', 'Enter');
    await page.waitForSelector('[aria-labelledby=profile-title] .notice.good');
    await untilText(page, '.account .who', /Anna B\./);
  });

  await step('the password is changed with the former one, and every other session ends', async () => {
    await signIn(other, daemon.url, ADMIN);
    await other.waitForSelector('nav');
    await page.reload();
    await eventually(async () => assert.equal(await page.locator('[data-session]').count(), 2));
    await page.fill('#current_password', 'not the password');
    await page.fill('#new_password', 'ein anderes langes Kennwort');
    await page.press('#new_password', 'Enter');
    await eventually(async () => {
      const faults = await faultsOf(page);
      assert.deepEqual(faults.map(({ id, focused }) => [id, focused]), [['current_password', true]]);
      assert.match(faults[0].said, words.wrong);
    });
    forgive(admin.complaints, 422);
    await look(page, '71-wrong-password');
    await page.fill('#current_password', ADMIN.password);
    await page.press('#new_password', 'Enter');
    await page.waitForSelector('[aria-labelledby=password-title] .notice.good');
    await eventually(async () => assert.equal(await page.locator('[data-session]').count(), 1));
    await other.reload();
    await other.waitForSelector('#password[autocomplete=current-password]');
    forgive(colleague.complaints, 401);
    await page.fill('#name', ADMIN.name); // and the next change is still one's own
    await page.press('#name', 'Enter');
    await untilText(page, '.account .who', new RegExp(ADMIN.name));
  });

  await step('a session elsewhere is ended from here', async () => {
    await signIn(other, daemon.url, ADMIN, 'ein anderes langes Kennwort');
    await other.waitForSelector('nav');
    await page.reload();
    await page.locator('[data-session] button').click();
    await eventually(async () => assert.equal(await page.locator('[data-session]').count(), 1));
    await untilFocused(page, '#sessions-title');
    await other.reload();
    await other.waitForSelector('#password[autocomplete=current-password]');
    forgive(colleague.complaints, 401);
  });

  await step('on a phone nothing scrolls sideways, and all pages are behind one button', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await look(page, '72-phone-account');
    await page.click('.unfold-nav');
    await page.focus('#nav-arranged a');
    await page.keyboard.press('Escape');
    await untilFocused(page, '.unfold-nav');
    assert.ok(await page.isHidden('#nav-arranged'));
    await page.click('.unfold-nav');
    await page.click('#nav-arranged a[href="#/people"]');
    await page.waitForSelector('[data-member]');
    assert.equal(await page.getAttribute('.unfold-nav', 'aria-expanded'), 'false');
    await look(page, '73-phone-people');
    await page.setViewportSize({ width: 1280, height: 900 });
  });
}

/**
 * A browser that has the pages: { ms: from the request to the form of the invitation, work: how much of that its thread worked, which
 * nothing beside it changes, asked: what the server was asked for }.
 */
async function opened({ context }, link) {
  const page = await context.newPage();
  try {
    const inspector = await context.newCDPSession(page);
    await inspector.send('Performance.enable', { timeDomain: 'threadTicks' });
    await page.addInitScript(() => { // to look for the form in every frame would take its time from the page
      new MutationObserver((changes, observer) => {
        if (!document.querySelector('[data-offer]')) return;
        observer.disconnect();
        const { port1, port2 } = new MessageChannel(); // heard once the frame that shows it is made
        port1.onmessage = () => {
          window.usableAt = performance.now();
          console.debug('usable');
        };
        requestAnimationFrame(() => port2.postMessage(null));
      }).observe(document, { childList: true, subtree: true });
    });
    await Promise.all([ // whoever asks a page while it loads has its thread compile the question
      page.waitForEvent('console', (message) => message.text() === 'usable'),
      page.goto(link, { waitUntil: 'commit' }),
    ]);
    const { metrics } = await inspector.send('Performance.getMetrics');
    const work = metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
    const ms = await page.evaluate('window.usableAt');
    const asked = await page.evaluate(() => performance.getEntriesByType('resource').filter(({ transferSize }) => transferSize > 0).map(({ name }) => new URL(name).pathname));
    return { ms, work, asked };
  } finally {
    await page.close();
  }
}

async function speed(step, { admin, colleague, words }) {
  const { data: [open] } = (await callApi(admin.page, 'GET', '/v1/invitations?state=open')).body;
  const { body } = await callApi(admin.page, 'POST', `/v1/invitations/${open.id}/link`);
  const visits = [];
  for (let i = 0; i < 7; i += 1) visits.push(await opened(colleague, body.link));
  const middle = (name) => Math.round(visits.map((one) => one[name]).sort((a, b) => a - b)[3]);
  await step(`the invitation, warm browser, seven times: its form stands after ${middle('ms')} ms, ${ASKED_MS} are asked for on an idle machine; its page has worked ${middle('work')} ms, no more than ${WORK_MS} anywhere`, () => {
    assert.ok(middle('work') > 0 && middle('work') <= WORK_MS, JSON.stringify(visits));
    assert.ok(!IS_IDLE || middle('ms') <= ASKED_MS, JSON.stringify(visits));
  });
  await step('who has the pages asks the server for the session and the invitation alone', () =>
    assert.deepEqual(visits.at(-1).asked.sort(), ['/v1/invitations/lookup', '/v1/session']));
  await slowly(step, colleague, body.link, words);
  await step('a page whose module does not come is said in its place, outside and inside', async () => {
    for (const [{ page, complaints }, module, url, frame] of [[colleague, 'invitation', body.link, '.outside'], [admin, 'people', new URL('/#/people', body.link).href, '.shell']]) {
      await page.route(`**/pages/${module}.js`, (route) => route.fulfill({ status: 503, contentType: 'text/javascript' }));
      await follow(page, url, `${frame} main [role=alert] button`);
      await page.unroute(`**/pages/${module}.js`);
      forgive(complaints, 503);
      await page.click('main [role=alert] button');
      await page.waitForSelector(module === 'people' ? '[data-member]' : '[data-offer]');
    }
  });
}

/** The invitation is asked for before its page has come: what then goes wrong, or takes its time, is said on the page, and nothing is asked for twice. */
async function slowly(step, { page, complaints }, link, words) {
  const LOOKUP = '**/v1/invitations/lookup';
  let asked = 0;
  const answered = async (how, body) => {
    await page.route(LOOKUP, (route) => {
      asked += 1;
      return how(route);
    });
    try {
      await body();
    } finally {
      await page.unroute(LOOKUP);
    }
  };
  await step('an invitation that cannot be looked up says so, in words that come later than the fault, and is looked up once more', async () => {
    const TEXTS = '**/assets/i18n/*.json';
    for (const [end, sign, said] of [[(route) => route.fulfill({ status: 503 }), 'status of 503', words.failed], [(route) => route.abort(), 'ERR_FAILED', words.unreachable]]) {
      let fail;
      const failed = new Promise((resolve) => { fail = resolve; });
      asked = 0;
      await page.route(TEXTS, (route) => failed.then(() => route.continue()));
      await answered(async (route) => {
        await end(route);
        setTimeout(fail, LATER_MS);
      }, () => follow(page, link, '.gate .notice.bad'));
      await page.unroute(TEXTS);
      assert.equal(asked, 1);
      assert.ok((await text(page, '.gate .notice.bad')).startsWith(said), await text(page, '.gate .notice.bad'));
      complaints.splice(0, complaints.length, ...complaints.filter((one) => !one.includes(sign)));
      await page.click('.gate .notice.bad button');
      await page.waitForSelector('[data-offer]');
    }
  });
  await step('an answer that takes its time is waited for on the page, and asked for once', async () => {
    asked = 0;
    let answer;
    const held = new Promise((resolve) => { answer = resolve; });
    await answered((route) => held.then(() => route.continue()), async () => {
      await follow(page, link, '.gate .loading');
      answer();
      await page.waitForSelector('[data-offer]');
    });
    assert.equal(asked, 1);
    await untilText(page, '[data-offer] > .hint', /\d{4}/); // until when it holds: a frame later
  });
}

export async function people(language) {
  const daemon = await startDaemon();
  const admin = await openBrowser(daemon.url, { language });
  const colleague = await openBrowser(daemon.url, { language });
  const step = chain(`people, ${language}: `);
  const world = {
    daemon, admin, colleague, words: WORDS[language], look: (page, name) => inspect(page, `${language}-${name}`),
    kept: {}, // links and passwords, from one step to a later one
  };
  try {
    await admin.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: daemon.url });
    for (const part of [begin, byHand, byMail, members, account, speed]) await part(step, world);
    await step('nothing else was said on the console, and no other host was asked', () => assert.deepEqual([admin.complaints, colleague.complaints], [[], []]));
  } finally {
    await admin.close();
    await colleague.close();
    await daemon.stop();
  }
}
