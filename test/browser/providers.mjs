// The providers people have, in small, on this machine (test/real/providerworld.py): what a person types, what goes wrong there in
// the provider's own words, and the one click that mends it.
import assert from 'node:assert/strict';
import { eventually, inspect, inspectForms, openBrowser, speak } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { domain } from './domain.mjs';
import {
  clipboard, createAdmin, openFormAnew, readSmtp, settings, setupState, text, untilAnnounced, untilFocused, untilRun, untilRung, untilText, untilValue,
} from './steps.mjs';
import { test } from './tap.mjs';
import { startWorld } from './world.mjs';

const action = (page, code) => page.locator(`.ladder [data-action=${code}]`);

/** From a page that has everything folded away: the address of another customer, and what was found for it in the form. */
async function enterAddress(page, email, source) {
  await page.fill('#from_email', email);
  await page.keyboard.press('Tab');
  await page.waitForSelector(`[data-found=${source}]`);
}

async function found({ page, complaints }, world) {
  const { providers: { ionos, allinkl } } = world;

  await test('providers: the page begins with one field, which Tab reaches', async () => {
    for (let i = 0; i < 20 && await page.evaluate('document.activeElement.id') !== 'from_email'; i += 1) await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.id'), 'from_email');
  });

  await test('providers: an address whose mail a known provider receives is enough, and the page says why', async () => {
    await page.keyboard.type(ionos.email);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-found=mx]');
    await untilValue(page, 'host', 'smtp.ionos.de');
    await untilText(page, '.found-best .hint', /kundenserver\.de/);
    await untilFocused(page, '#password');
    await inspectForms(page, '40-found-by-mx');
  });

  await test('providers: beside it stands what to know about the provider, from where, and as of when', async () => {
    await untilText(page, '.credential', /Postfach.* › .*Passwort/);
    assert.match(await page.getAttribute('.credential a', 'href'), /^https:\/\/.*ionos\./);
    const words = await text(page, '[data-provider=ionos]');
    for (const part of [/IONOS/, /Erlaubte Absender/, /Grenzen/, /Geprüft am \d\d\.\d\d\.\d{4}/]) assert.match(words, part);
    assert.ok(await page.locator('[data-provider=ionos] .bullets li').count() >= 2, 'limits and notices');
    assert.match(await page.getAttribute('[data-provider=ionos] a[target=_blank]', 'href'), /^https:\/\//);
    await page.locator('[data-provider=ionos] details.source summary').click();
    assert.ok(await page.locator('[data-provider=ionos] details.source li').count() > 0);
    await page.focus('#password');
  });

  await test('providers: the right password is all that is left to type, and the keyboard was enough for all of it', async () => {
    await page.keyboard.type(ionos.password);
    await untilRun(page, 'passed', () => page.keyboard.press('Enter'));
    await setupState(page, 'complete');
  });

  await test('providers: the domain card says in words what the DNS has, and so does the one of IONOS', async () => {
    await page.waitForSelector('#domain-card [data-record=spf][data-verdict=good]');
    const words = Object.fromEntries(await page.$$eval('#domain-card [data-record]', (rows) => rows.map((row) => [row.dataset.record, row.textContent])));
    assert.match(words.spf, /IONOS/);
    assert.match(words.spf, /include:_spf-eu\.ionos\.com/);
    assert.match(words.dkim, /s1-ionos/);
    assert.match(words.dmarc, /„none“/);
    await inspectForms(page, '63-domain');
  });

  await test('providers: ALL-INKL, whose server name nobody remembers, is found, and the login is asked for', async () => {
    await openFormAnew(page);
    await enterAddress(page, allinkl.email, 'mx');
    const take = page.locator('.found-best button');
    if (await take.count()) await take.click();
    await untilValue(page, 'host', 'w0123456.kasserver.com');
    await page.waitForSelector('[data-provider=allinkl]');
    await page.fill('#username', allinkl.usernames[0]);
    await page.fill('#password', allinkl.password);
    await untilRun(page, 'passed');
  });

  await test('providers: an address of another domain takes the place of all that is in force, and its password goes nowhere until somebody has seen the server', async () => {
    for (const [email, password, server] of [['post@srv-verein.example', 'own-mailbox', 'mail.srv-verein.example:465'], [ionos.email, ionos.password, 'smtp.ionos.de:465']]) {
      await openFormAnew(page);
      const { last_verification: before } = await readSmtp(page);
      const sessions = world.heard.length;
      await page.fill('#from_email', email);
      await page.fill('#password', password);
      await page.keyboard.press('Enter'); // before anybody has been asked: the server is looked up first
      await untilText(page, '#look-first', new RegExp(`^Eingetragen ist ${server.replaceAll('.', '\\.')}\\.`));
      if (email !== ionos.email) await inspectForms(page, '41e-look-first');
      await untilAnnounced(page, /Das Passwort dieser Adresse wurde dorthin noch nicht gesendet/);
      await untilFocused(page, '#verify');
      assert.equal((await readSmtp(page)).last_verification?.id, before?.id);
      assert.deepEqual(world.heard.slice(sessions), [], 'no server has been asked for anything');
      await untilRun(page, 'passed', () => page.keyboard.press('Enter'));
      assert.ok(world.heard.length > sessions, 'sessions are counted');
    }
    await untilText(page, '.ladder-target', /^smtp\.ionos\.de:/);
    const { active } = await readSmtp(page);
    assert.deepEqual([active.host, active.username ?? active.from_email, active.from_email], ['smtp.ionos.de', ionos.email, ionos.email]);
  });

  await test('providers: what was filled in for one address goes when nothing is found for the next, and no password with it', async () => {
    await openFormAnew(page);
    await enterAddress(page, 'juergen.gross@t-online.de', 'domain_table');
    await untilValue(page, 'host', 'securesmtp.t-online.de');
    await page.waitForSelector('[data-provider=tonline]');
    await untilText(page, 'label[for=password]', /App-Passwort/);
    await untilText(page, '.status-todo', /App-Passwort/);
    assert.doesNotMatch(await text(page, '.found'), /Adresse einer Person/, 'there is no other to be had');
    const [{ last_verification: before }, sessions] = [await readSmtp(page), world.heard.length];
    await page.fill('#password', 'Mastbruch 2026');
    await page.fill('#from_email', 'info@broken.example');
    await page.keyboard.press('Enter');
    await untilFocused(page, '#host');
    for (const id of ['host', 'port', 'username']) await untilValue(page, id, '');
    assert.equal(await page.locator('[data-provider], .credential').count(), 0);
    await untilText(page, 'label[for=password]', /^Passwort/);
    assert.equal((await readSmtp(page)).last_verification?.id, before?.id);
    assert.deepEqual(world.heard.slice(sessions).filter(({ session }) => session), []);
    await inspectForms(page, '41d-withdrawn');
  });

  await test('providers: a domain that names its server in the DNS or on its own page is found', async () => {
    for (const [email, source] of [['post@srv-verein.example', 'srv'], [world.autoconfig_email, 'autoconfig']]) {
      await openFormAnew(page);
      await enterAddress(page, email, source);
      assert.ok((await page.textContent('.found-best')).includes('-verein.example'), email);
    }
  });

  await test('providers: a server that somebody typed is not replaced, only offered', async () => {
    await openFormAnew(page);
    await page.fill('#from_email', ionos.email);
    await page.fill('#host', 'mail.selbst.example');
    await page.locator('.settings p > .link').click();
    await page.waitForSelector('[data-found=mx]');
    assert.equal(await page.inputValue('#host'), 'mail.selbst.example');
    await untilText(page, '.status-todo', /anderer Server gefunden: smtp\.ionos\.de/);
    await inspectForms(page, '41b-other-server');
    await page.click('.found-best button.primary');
    await untilValue(page, 'host', 'smtp.ionos.de');
    await page.waitForSelector('.found-best .badge');
  });

  await test('providers: where nothing is found, the page says so, offers the public database and asks nobody by itself', async () => {
    await openFormAnew(page);
    await enterAddress(page, 'post@broken.example', 'nothing');
    await page.waitForSelector('.found-wide button');
    await inspectForms(page, '41-nothing-found');
    await untilText(page, '.found', /Ein Teil der Suche blieb ohne Antwort/);
    await untilValue(page, 'host', 'smtp.ionos.de'); // in force: a DNS that says nothing throws no server away
    const words = await text(page, '.found');
    await page.getByRole('button', { name: 'In der öffentlichen Datenbank nachsehen' }).click();
    await untilText(page, '#found-publicly', 'Die öffentliche Liste von Thunderbird kennt broken.example nicht.');
    assert.doesNotMatch(words, /öffentliche Liste von Thunderbird kennt/);
  });

  await test('providers: a server that is left from another domain gets no password before somebody has meant it, whether the look-up was in part or not at all', async () => {
    const LOOK_UP = '**/v1/smtp/discovery?*';
    for (const email of ['post@broken.example', 'post@unasked.example']) {
      if (email.includes('unasked')) await page.route(LOOK_UP, (route) => route.abort());
      await openFormAnew(page);
      const [{ last_verification: before }, sessions] = [await readSmtp(page), world.heard.length];
      await page.fill('#from_email', email);
      await page.fill('#password', 'Mastbruch 2026');
      await page.keyboard.press('Enter');
      await untilText(page, '#look-first', /^Eingetragen ist smtp\.ionos\.de:465\./);
      await untilFocused(page, '#verify');
      if (email.includes('broken')) await inspectForms(page, '41f-left-server');
      assert.equal((await readSmtp(page)).last_verification?.id, before?.id);
      assert.deepEqual(world.heard.slice(sessions).filter(({ session }) => session), []);
    }
    await page.unroute(LOOK_UP);
    await page.focus('#verify');
    await untilRun(page, 'failed', () => page.keyboard.press('Enter')); // meant: it is asked, and refuses
    complaints.splice(0, complaints.length, ...complaints.filter((one) => !one.includes('ERR_FAILED')));
  });

  await test('providers: where everybody has answered that there is nothing, what is in force for another domain goes', async () => {
    await openFormAnew(page);
    await enterAddress(page, 'post@nobody.example', 'nothing');
    assert.doesNotMatch(await text(page, '.found'), /blieb ohne Antwort/);
    for (const id of ['host', 'username']) await untilValue(page, id, '');
  });

  await test('providers: one click asks the public database, which learns the domain alone; what it knows fills the form, with its source', async () => {
    const asked = () => world.heard.flatMap((one) => one.asked ?? [])
      .filter((one) => one.startsWith('autoconfig.thunderbird.net/') && !one.endsWith('/broken.example')); // which the statement before asked for
    const domain = world.public_email.split('@')[1];
    await openFormAnew(page);
    await enterAddress(page, world.public_email, 'nothing');
    await untilText(page, '.found-wide .hint', new RegExp(`Thunderbirds Datenbank erfährt dabei den Namen ${domain}`));
    assert.deepEqual(asked(), []);
    await page.click('.found-wide button');
    await page.waitForSelector('[data-found=public_database]');
    assert.deepEqual(asked(), [`autoconfig.thunderbird.net/v1.1/${domain}`]);
    for (const [id, value] of [['host', `mail.${domain}`], ['port', '465'], ['from_email', world.public_email]]) await untilValue(page, id, value);
    await untilText(page, '.found-best .hint', /Thunderbird/);
    await page.waitForSelector('.found-best .badge');
    assert.equal(await page.locator('.found-wide button').count(), 0, 'asked once, it is not offered again');
    await inspectForms(page, '41c-public-database');
    await speak(page, 'en');
    await untilText(page, '.found-best .hint', /^Thunderbird's public list says so/);
    await speak(page, 'de');
  });

  await test('providers: a mail filter in front of a domain is named, in both languages, and nothing is guessed behind it', async () => {
    const domain = world.filtered_email.split('@')[1];
    await openFormAnew(page);
    await enterAddress(page, world.filtered_email, 'nothing');
    await untilText(page, '.found-title', `Vor ${domain} steht ein Mailfilter (Hornetsecurity). Wer dahinter die Postfächer führt, ist von außen nicht zu sehen.`);
    await untilAnnounced(page, /Mailfilter \(Hornetsecurity\)/);
    assert.equal(await page.locator('.found-best').count(), 0);
    await inspectForms(page, '41d-mail-filter');
    await speak(page, 'en');
    await untilText(page, '.found-title', `A mail filter (Hornetsecurity) stands in front of ${domain}. Who keeps the mailboxes behind it cannot be seen from outside.`);
    await speak(page, 'de');
  });
}

/** Fills the form as a person would who knows everything but what the statement is about: the server first, so that none is looked up. */
async function fillIn(page, { host, port, ...values }) {
  await openFormAnew(page);
  for (const [name, value] of Object.entries({ host, ...(port && { port }), username: '', ...values })) await page.fill(`#${name}`, value);
}

// What goes wrong at whom, besides what has a statement of its own below: the rung, the field that is framed (or none), and what mends it.
const TROUBLES = [
  { of: 'ionos', host: 'smtp.ionos.de', trouble: 'a wrong password', typed: { password: 'wrong' }, phase: 'auth', field: 'password' },
  { of: 'ionos', host: 'smtp.ionos.de', trouble: 'a sender that is not its own', typed: { from_email: 'anderer@praxis-ionos.example' }, phase: 'sender', field: 'from_email', click: 'use_from_of_login' },
  { of: 'strato', host: 'smtp.strato.de', port: '2525', trouble: 'a port that refuses', typed: {}, phase: 'connect', field: 'port', click: 'use_sibling_port' },
  { of: 'allinkl', host: 'w0123456.kasserver.com', port: '2525', trouble: 'a port that refuses', typed: {}, phase: 'connect', field: 'port', click: 'use_sibling_port' },
  { of: 'allinkl', host: 'w0123456.kasserver.com', trouble: 'a wrong password', typed: { password: 'wrong' }, phase: 'auth', field: 'password' }, // its login has the form that logins have there
  { of: 'allinkl', host: 'w0123456.kasserver.com', trouble: 'a wrong password for the address as user name', typed: { username: 'vorstand@verein-allinkl.example', password: 'wrong' }, phase: 'auth', field: 'password' },
  { of: 'allinkl', host: 'w0123456.kasserver.com', trouble: 'the login of the customer area', typed: { username: 'w0123456' }, phase: 'auth', field: 'username', click: 'use_address_as_username' },
  { of: 'allinkl', host: 'w0123456.kasserver.com', trouble: 'a sender that is not its own', typed: { from_email: 'anderer@verein-allinkl.example' }, phase: 'sender', field: null, click: null }, // of which address it is, the login does not tell
  { of: 'gmail', host: 'smtp.gmail.com', trouble: 'a wrong password', typed: { password: 'wrong' }, phase: 'auth', field: 'password' },
  { of: 'microsoft365', host: 'smtp.office365.com', port: '587', trouble: 'a wrong password', typed: { password: 'wrong' }, phase: 'auth', field: 'password' },
  { of: 'microsoft365', host: 'smtp.office365.com', port: '587', trouble: 'the right password where SMTP is switched off', typed: { password: 'account' }, phase: 'auth', field: null, click: null },
];

async function troubles(page, { providers: all, wrong_password: wrong }) {
  for (const { of, host, port = '465', trouble, typed, phase, field, click } of TROUBLES) {
    await test(`providers: ${of}, ${trouble}: the rung, the field that is to blame, and what mends it`, async () => {
      const { email, usernames: [username], password, account_password: account } = all[of];
      const secret = { wrong, account }[typed.password] ?? password;
      await fillIn(page, { from_email: email, username, host, port, ...typed, password: secret });
      await untilRun(page, 'failed');
      await untilRung(page, phase, 'failed');
      assert.ok((await page.textContent('.diagnosis .meaning')).trim().length > 10);
      assert.ok((await page.textContent('.diagnosis .fix')).trim().length > 10);
      await eventually(async () => assert.deepEqual(await page.$$eval('.settings [aria-invalid=true]', (fields) => fields.map(({ id }) => id)), field ? [field] : []));
      if (field === 'password') assert.equal(await page.getAttribute('.diagnosis .buttons > .primary', 'data-action'), of === 'gmail' ? 'open_app_password' : 'enter_password_again');
      if (click === null) return;
      if (!click) await page.fill('#password', password);
      await untilRun(page, 'passed', click ? () => action(page, click).click() : undefined);
    });
  }
}

async function mended(page, { providers: { ionos, strato, allinkl, gmail, microsoft365 }, wrong_password: wrong }) {
  await test('providers: a wrong password is named as such and stays the person\'s to type', async () => {
    await fillIn(page, { from_email: strato.email, host: 'smtp.strato.de', port: '465', password: wrong });
    await untilRun(page, 'failed');
    await untilRung(page, 'auth', 'failed');
    assert.ok((await page.textContent('.diagnosis .meaning')).trim().length > 10);
    await page.waitForSelector('#password[aria-invalid=true]');
    await page.fill('#password', strato.password);
    await untilRun(page, 'passed');
  });

  await test('providers: the record that a domain lacks can be copied; where that is not allowed, the text is marked', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.waitForSelector('#domain-card [data-record=dmarc][data-verdict=missing]');
    const [name, value] = await page.$$eval('[data-record=dmarc] .proposal code', (all) => all.map((one) => one.textContent));
    assert.match(name, /^_dmarc\.kanzlei-strato\.example\.?$/);
    assert.match(value, /^v=DMARC1; *p=none/);
    await inspectForms(page, '63b-domain-missing');
    await page.locator('[data-record=dmarc]').getByRole('button', { name: 'Wert kopieren' }).click();
    await eventually(async () => assert.equal(await clipboard(page), value));
    await page.evaluate(() => { Object.defineProperty(navigator, 'clipboard', { value: undefined }); });
    await page.locator('[data-record=dmarc]').getByRole('button', { name: 'Name kopieren' }).click();
    await eventually(async () => assert.equal(await page.evaluate('getSelection().toString()'), name));
    await page.reload();
  });

  await test('providers: another sender of the same domain keeps the login, and no password is asked for', async () => {
    await openFormAnew(page);
    await page.fill('#from_email', 'empfang@kanzlei-strato.example');
    await untilValue(page, 'username', strato.email);
    assert.doesNotMatch(await page.textContent('.settings'), /haben sich geändert/);
    await page.fill('#from_email', strato.email);
    await page.keyboard.press('Tab');
    await untilValue(page, 'username', '');
    await openFormAnew(page);
    await page.getByRole('button', { name: 'Schließen' }).click();
  });

  await test('providers: the customer number as user name is replaced by the address with one click', async () => {
    await fillIn(page, { from_email: ionos.email, username: '123456789', host: 'smtp.ionos.de', port: '465', password: ionos.password });
    await untilRun(page, 'failed');
    await inspectForms(page, '42-wrong-user-name');
    await untilRun(page, 'passed', () => action(page, 'use_address_as_username').click());
  });

  await test('providers: a login that only the account shows is asked for with one click', async () => {
    await fillIn(page, { from_email: allinkl.email, username: 'w0654321', host: 'w0123456.kasserver.com', port: '465', password: allinkl.password }); // not the one above: the same twice is not asked
    await untilRun(page, 'failed');
    await action(page, 'use_mailbox_login').click();
    await untilFocused(page, '#username');
    await page.fill('#username', allinkl.usernames[0]);
    await untilRun(page, 'passed');
  });

  await test('providers: a name that is not on the certificate is replaced by the right one with one click', async () => {
    await fillIn(page, { from_email: allinkl.email, username: allinkl.usernames[0], host: 'smtp.all-inkl.com', port: '465', password: allinkl.password });
    await untilRun(page, 'failed');
    await untilRung(page, 'certificate', 'failed');
    await inspectForms(page, '43-wrong-certificate');
    await untilRun(page, 'passed', () => action(page, 'use_right_host').click());
  });

  await test('providers: Gmail sends whoever typed the account password to the page for app passwords', async () => {
    await fillIn(page, { from_email: gmail.email, host: 'smtp.gmail.com', port: '465', password: gmail.account_password });
    await untilText(page, 'label[for=password]', /^App-Passwort/);
    await untilRun(page, 'failed');
    assert.match(await action(page, 'open_app_password').getAttribute('href'), /^https:\/\/myaccount\.google\.com\//);
    await inspectForms(page, '44-app-password');
    await page.fill('#password', gmail.password.replace(/(.{4})(?=.)/g, '$1 ')); // as Google shows it
    await untilRun(page, 'passed');
  });

  await test('providers: that Google replaces a foreign sender without a word is said before it does', async () => {
    await fillIn(page, { from_email: 'anderer@verein.example', username: gmail.email, host: 'smtp.gmail.com' });
    await untilText(page, '#sender-rule', /^Gmail:.*stillschweigend durch die Adresse des Kontos ersetzt/);
    await inspectForms(page, '44b-sender-rule');
    await page.fill('#from_email', gmail.email);
    await page.waitForSelector('#sender-rule', { state: 'detached' });
  });

  await test('providers: a sender the provider refuses is replaced by the one of the login with one click', async () => {
    await fillIn(page, { from_email: 'anderer@kanzlei-strato.example', username: strato.email, host: 'smtp.strato.de', port: '465', password: strato.password });
    await untilRun(page, 'failed');
    await untilRung(page, 'sender', 'failed');
    await inspectForms(page, '45-sender-refused');
    await page.reload(); // the form is folded away, and the click opens it again
    await page.waitForSelector('.ladder [data-action]');
    assert.equal(await page.locator('.settings').count(), 0);
    await untilRun(page, 'passed', () => action(page, 'use_from_of_login').click());
  });

  await test('providers: after a reload a click that needs the password fills in the rest and asks for it', async () => {
    await fillIn(page, { from_email: ionos.email, username: '987654321', host: 'smtp.ionos.de', port: '465', password: ionos.password });
    await untilRun(page, 'failed');
    await page.reload();
    await action(page, 'use_address_as_username').click();
    await untilValue(page, 'username', ionos.email);
    await untilFocused(page, '#password');
    await page.fill('#password', ionos.password);
    await untilRun(page, 'passed');
  });

  await test('providers: a port that is blocked leads to the other one with one click', async () => {
    await fillIn(page, { from_email: microsoft365.email, host: 'smtp.office365.com', port: '465', password: microsoft365.password });
    await untilRun(page, 'failed');
    await page.waitForSelector('[data-sibling=open]');
    await inspectForms(page, '46-blocked-port');
    await untilRun(page, 'passed', () => action(page, 'use_sibling_port').click());
  });

  await test('providers: Microsoft refuses the sender only with the mail: the test mail, the email and the state offer the address of the login', async () => {
    const offer = (where) => page.locator(`${where} [data-action=use_from_of_login]`);
    await fillIn(page, { from_email: 'anderer@schule-microsoft.example', username: microsoft365.email, host: 'smtp.office365.com', port: '587', password: microsoft365.password });
    await untilRun(page, 'passed');
    await untilText(page, '.other-sender', /^Angemeldet als sekretariat@.*, Absender ist anderer@.*zeigt endgültig die Testmail/);
    await inspectForms(page, '46b-passed-with-another-sender');
    await page.fill('#test_to', 'kundin@example.net');
    await page.getByRole('button', { name: 'Testmail senden' }).click();
    await offer('.test-progress').waitFor();
    assert.ok(await page.locator('.test-progress a[href^="/manual/de/"]').count() > 0, 'and the page of the manual');
    await page.click('.test-progress a[href^="#/outbox/"]');
    await page.waitForSelector('.attempt a[href^="/manual/de/"]');
    await inspect(page, 'de-47-sender-refused-late');
    await page.goto(page.url().replace(/#.*/, '#/settings/email'));
    await page.reload();
    await offer('.test-progress').waitFor(); // it still says why
    await offer('.status.warn').waitFor(); // not green, and with the same way out
    await untilText(page, '.dates .failure', /Letzter Fehler/); // that is said once
    assert.equal(await offer('.dates').count(), 0);
    await untilText(page, '#status-title', /Eingeschränkt/);
    await inspectForms(page, '48-last-failure');
    await untilRun(page, 'passed', () => offer('.status.warn').click());
    const { active } = await readSmtp(page);
    assert.equal(active.from_email, microsoft365.email);
  });
}

async function instructions(url, { page, context, complaints }, { providers: { strato }, wrong_password: wrong }) {
  await test('providers: the provider\'s own instructions open beside the page', async () => {
    await settings(page, url);
    await fillIn(page, { from_email: strato.email, host: 'smtp.strato.de', port: '465', password: wrong });
    await untilRun(page, 'failed');
    const where = await action(page, 'open_support').getAttribute('href');
    assert.match(where, /^https:\/\/www\.strato\.de\//);
    await context.route(where, (route) => route.fulfill({ contentType: 'text/html', body: '<title>STRATO</title>' }));
    const [opened] = await Promise.all([context.waitForEvent('page'), action(page, 'open_support').click()]);
    await opened.waitForURL(where);
    await opened.close();
    await context.unroute(where);
    assert.deepEqual(complaints.splice(0), [`foreign request: ${where}`]); // a person asked for it
  });
}

export async function providers() {
  const world = await startWorld('providerworld', '--serve');
  try {
    const daemon = await startDaemon([], ['--dns-server', world.dns_server, '--ca-file', world.ca_file]);
    const browser = await openBrowser(daemon.url);
    try {
      await createAdmin(browser.page, daemon.setupLink);
      await found(browser, world);
      await troubles(browser.page, world);
      await mended(browser.page, world);
      await domain(daemon.url, browser.page, world.providers.microsoft365.email.split('@')[1]);
      await instructions(daemon.url, browser, world);
      await test('providers: nothing was said on the console, and no other host was asked', () => assert.deepEqual(browser.complaints, []));
    } finally {
      await browser.close();
      await daemon.stop();
    }
  } finally {
    await world.end();
  }
}
