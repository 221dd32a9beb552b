// Signing in with OAuth2, against a real authorisation server and a mail server that asks it (test/real/authserver.py): what the page
// leads through, what it says when something is wrong, and that mail goes out in the end.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, inspect, inspectForms, openBrowser, speak } from './browser.mjs';
import { PROGRAM, startDaemon } from './daemon.mjs';
import {
  chooseTile, clipboard, createAdmin, openAnew, openForm, openFormAnew, post, radio, readSmtp, rungs, setSending, setupState, submit, text, untilDraft, untilFocused,
  untilRun, untilRung, untilState, untilText, untilValue,
} from './steps.mjs';
import { chain, test } from './tap.mjs';
import { startWorld } from './world.mjs';

const CLIENT_ID = '1b2c3d4e-5f60-4711-8a9b-0c1d2e3f4a5b', OBJECT_ID = '9f8e7d6c-5b4a-4392-81f0-e1d2c3b4a596';
const RETURN = /\/oauth\/return\?/;
const YOUNG_MS = 5000; // a token that a mail server refuses earlier is not exchanged for another (LIMIT_BEARER_YOUNG_MS)
const SOON = new Date(Date.now() + 12 * 86400000).toISOString().slice(0, 10);

const fault = (page, name) => text(page, `#${name}-fault`);
/** What the page has loaded of its own modules. */
const loaded = (page) => page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname).filter((name) => /oauth-|i18n\/oauth/.test(name)));

/** Fields are left one after the other, as a person does, so that each is saved. */
async function fill(page, values) {
  for (const [name, value] of Object.entries(values)) {
    await page.fill(`#${name}`, value);
    await page.keyboard.press('Tab');
  }
}

// --- What the page leads through -----------------------------------------------------------------------------------------

async function microsoft({ page }) {
  await test('oauth: a page that signs in with a password loads nothing of it', async () => {
    await page.reload();
    await setupState(page, 'not_configured');
    assert.deepEqual(await loaded(page), []);
  });

  await test('oauth: Microsoft 365 offers OAuth2 first, and says until when a password goes', async () => {
    await page.fill('#from_email', 'system@schule.example');
    await chooseTile(page, 'microsoft365');
    await page.waitForSelector('[data-step=mailbox]');
    assert.deepEqual(await page.$$eval('input[name=auth]', (all) => all.map(({ value, checked }) => [value, checked])), [['oauth2', true], ['auto', false]]);
    await untilText(page, '#auth-hint', /am 31\.12\.2026 .*OAuth2 bleibt/);
    assert.equal(await page.locator('#password').count(), 0);
    assert.ok((await loaded(page)).length > 4);
    assert.deepEqual(await page.$$eval('[data-step]', (all) => all.map((one) => one.dataset.step)), ['register', 'proof', 'permit', 'mailbox', 'check']);
    await untilFocused(page, '#client_id');
    await untilDraft(page, ({ auth, oauth }) => auth === 'oauth2' && oauth.provider === 'microsoft' && oauth.grant === 'client_secret');
    await page.waitForSelector('[data-saved=yes]');
    await inspectForms(page, '80-oauth-microsoft');
  });

  await test('oauth: what is missing is framed and said, and the state names it', async () => {
    await submit(page);
    for (const name of ['client_id', 'tenant', 'client_secret']) {
      await page.waitForSelector(`#${name}[aria-invalid=true]`);
      assert.match(await fault(page, name), /Bitte füllen/);
    }
    await untilFocused(page, '#client_id');
    await untilText(page, '.status-todo', /Client-ID.*Verzeichnis-ID.*Clientschlüssel/);
    await inspectForms(page, '81-oauth-missing');
  });

  await test('oauth: what is copied from the wrong column is said before Microsoft is asked', async () => {
    await fill(page, { client_id: 'Absender', client_secret: OBJECT_ID, enterprise_object: 'x' });
    await eventually(async () => assert.match(await fault(page, 'client_id'), /32 Zeichen/));
    await eventually(async () => assert.match(await fault(page, 'client_secret'), /„Geheime ID“.*„Wert“/));
    await fill(page, { client_id: CLIENT_ID, enterprise_object: CLIENT_ID });
    await untilText(page, '#enterprise_object-fault', /Das ist die Anwendungs-ID/);
    const { draft } = await readSmtp(page);
    assert.equal(draft.oauth.client_secret.set, false);
  });

  await test('oauth: the lines for PowerShell are ready to run, and can be copied', async () => {
    await fill(page, { tenant: 'schule.example', enterprise_object: OBJECT_ID, username: 'o\'hara@schule.example' });
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await untilText(page, '#exchange-lines', /o''hara/);
    await page.locator('.copy-block:has(#exchange-lines) .copy').click();
    const lines = await eventually(async () => {
      const copied = await clipboard(page);
      assert.match(copied, /New-ServicePrincipal/);
      return copied.split('\n');
    });
    assert.ok(lines.includes(`New-ServicePrincipal -AppId '${CLIENT_ID}' -ObjectId '${OBJECT_ID}' -DisplayName Absender`), lines.join('\n'));
    assert.ok(lines.includes("Add-MailboxPermission -Identity 'o''hara@schule.example' -User $absender -AccessRights FullAccess"), lines.join('\n'));
    assert.ok(lines.includes("Set-CASMailbox -Identity 'o''hara@schule.example' -SmtpClientAuthenticationDisabled $false"), lines.join('\n'));
    assert.ok(lines.some((line) => line.startsWith("Add-RecipientPermission -Identity 'system@schule.example' -Trustee $absender -AccessRights SendAs")));
    assert.doesNotMatch(lines.join('\n'), /<[^>]+>/);
    await fill(page, { username: '' });
  });

  await test('oauth: a secret is stored, never shown again, and its end is told', async () => {
    await fill(page, { client_secret: 'Abc8Q~geheim', client_secret_ends_at: SOON });
    await untilText(page, '[data-ends]', /Läuft am .* ab \(noch 12 Tage\)/);
    await untilDraft(page, ({ oauth }) => oauth.client_secret.set && oauth.client_secret_ends_at.startsWith(SOON));
    await page.reload();
    await page.waitForSelector('#client_secret');
    assert.equal(await page.inputValue('#client_secret'), '');
    await untilText(page, '#client_secret-hint', /^Gespeichert am/);
    assert.equal(await page.inputValue('#client_secret_ends_at'), SOON);
    await inspectForms(page, '82-oauth-stored');
  });

  await test('oauth: another application has another secret, and the page asks for it', async () => {
    await fill(page, { client_id: OBJECT_ID });
    await untilText(page, '#client_secret-hint', /haben sich geändert.*erneut ein/);
    await untilDraft(page, ({ oauth }) => !oauth.client_secret.set);
  });
}

async function certificate({ page }, world) {
  await test('oauth: a certificate takes the place of the secret: its files are told apart, and its subject, end and thumbprint shown', async () => {
    await radio(page, 'proof_certificate');
    await fill(page, { certificate: world.private_key });
    await eventually(async () => assert.match(await fault(page, 'certificate'), /Das ist der private Schlüssel/));
    await fill(page, { certificate: world.certificate, private_key: world.private_key });
    await untilDraft(page, ({ oauth }) => oauth.certificate && oauth.private_key.set);
    await page.waitForSelector('[data-step=proof] .hash code');
    const { draft } = await readSmtp(page);
    assert.ok((await text(page, '[data-step=proof]')).includes(draft.oauth.certificate.thumbprint_sha1));
    assert.doesNotMatch(JSON.stringify(draft), /PRIVATE KEY/);
    await inspectForms(page, '83-oauth-certificate');
  });
}

async function google({ page }, world) {
  await test('oauth: Gmail begins with the app password, and OAuth2 leads to a service account whose key is read from its file', async () => {
    await openFormAnew(page);
    await page.fill('#from_email', world.login);
    await chooseTile(page, 'gmail');
    await untilValue(page, 'host', 'smtp.gmail.com');
    assert.equal(await page.locator('#auth_auto:checked').count(), 1);
    await radio(page, 'auth_oauth2');
    await page.waitForSelector('[data-step=delegate]');
    await untilText(page, '[data-step=delegate]', /jedes Postfach Ihrer Organisation, auch zum Lesen/);
    await fill(page, { service_account_key: '{"web":{"client_id":"1"}}' });
    await eventually(async () => assert.match(await fault(page, 'service_account_key'), /Datei eines OAuth-Clients/));
    await page.setInputFiles('#key_file', { name: 'absender.json', mimeType: 'application/json', buffer: Buffer.from(world.service_account_key) });
    const file = JSON.parse(world.service_account_key);
    await page.waitForSelector(`[data-account="${file.client_email}"]`);
    await untilText(page, '#delegate-scope', 'https://mail.google.com/');
    await untilDraft(page, ({ oauth }) => oauth.service_account_key.set);
    if (file.client_id) assert.equal(await text(page, '#delegate-client'), file.client_id);
    await inspectForms(page, '84-oauth-google');
  });

  await test('oauth: with Google a person can sign in as well: the address to allow there stands ready', async () => {
    await radio(page, 'grant_refresh_token');
    await untilText(page, '#redirect-uri', `${new URL(page.url()).origin}/oauth/return`);
    await untilText(page, '[data-step=audience]', /nach 7 Tagen/);
    await inspectForms(page, '85-oauth-google-person');
    await openFormAnew(page);
  });
}

// --- That it works -------------------------------------------------------------------------------------------------------

/** Orders to the authorisation server, and what it was asked for. */
async function control(world, method, path, body) {
  const answer = await fetch(new URL(path, world.control_url), { method, body: body && JSON.stringify(body) });
  assert.equal(answer.status, 200, path);
  return answer.json();
}
const grants = async (world) => (await control(world, 'GET', '/requests')).token.map((one) => one.grant_type);

/** The mails in the mailbox. */
async function mailbox({ mail: { maildir } }) {
  const names = await readdir(maildir).catch(() => []); // it comes with the first mail
  return Promise.all(names.map((name) => readFile(join(maildir, name), 'utf8')));
}

/** The form, which is there, filled in for a server of one's own with this way of signing in. */
async function byHand(page, world, grant) {
  await fill(page, { from_email: world.login, host: 'localhost', port: String(world.mail.starttls_port) });
  await radio(page, 'security_starttls');
  await radio(page, 'auth_oauth2');
  await page.waitForSelector('#provider');
  await page.selectOption('#provider', 'generic');
  await radio(page, `grant_${grant}`);
  await fill(page, { token_url: world.token_url, scope: world.scope });
}

async function application({ page }, world) {
  const { application: client, stranger } = world.clients;

  await test('oauth: an application fetches its token and logs in: everything passes and is in force', async () => {
    await openFormAnew(page);
    await byHand(page, world, 'client_secret');
    await fill(page, { client_id: client.client_id, client_secret: client.client_secret });
    await untilRun(page, 'passed');
    await setupState(page, 'complete');
    assert.deepEqual((await rungs(page))[0], ['token', 'passed']);
    await untilText(page, '[data-phase=token]', /Token holen/);
    await untilText(page, '.ladder', /OAUTHBEARER|XOAUTH2/);
    assert.deepEqual(await grants(world), ['client_credentials']);
    await inspectForms(page, '86-oauth-passed');
  });

  await test('oauth: a wrong secret is named by the token rung, in words and at its field', async () => {
    await openForm(page);
    await page.waitForSelector('#client_secret');
    await fill(page, { client_secret: 'falsch' });
    await untilRun(page, 'failed');
    await untilRung(page, 'token', 'failed');
    assert.ok((await text(page, '.diagnosis .meaning')).length > 20);
    await page.waitForSelector('#client_secret[aria-invalid=true]');
    await inspectForms(page, '87-oauth-wrong-secret');
  });

  await test('oauth: a token that the mail server does not take fails at the login, and what is in force stays', async () => {
    await fill(page, { client_id: stranger.client_id, client_secret: stranger.client_secret });
    await untilRun(page, 'failed');
    await untilRung(page, 'token', 'passed');
    await untilRung(page, 'auth', 'failed');
    assert.equal(await page.locator('#client_secret[aria-invalid=true]').count(), 0, 'the secret was right');
    await inspectForms(page, '88-oauth-not-this-mailbox');
    const { active } = await readSmtp(page);
    assert.equal(active.oauth.client_id, client.client_id);
  });
}

async function testMailArrives(page, world) {
  const before = (await mailbox(world)).length;
  await page.fill('#test_to', world.login);
  await page.getByRole('button', { name: 'Testmail senden' }).click();
  await page.waitForSelector('.test-progress[data-state=accepted]');
  await eventually(async () => {
    const mails = await mailbox(world);
    assert.equal(mails.length, before + 1);
    assert.ok(mails.every((mail) => /^From: .*noreply@example\.test/m.test(mail)));
  });
}

/** The pages of the authorisation server, as a person clicks through them: it signs in and agrees to whatever is asked, until check() holds. */
const clickThrough = (tab, login, check) => eventually(async () => {
  const patience = { timeout: 2000 };
  if (await tab.locator('input[name=login]').count()) {
    await tab.fill('input[name=login]', login, patience);
    await tab.fill('input[name=password]', 'egal', patience);
  }
  if (await tab.locator('button[type=submit]').count()) await tab.click('button[type=submit]', patience);
  await check();
});

const begin = async ({ context, page }) => (await Promise.all([context.waitForEvent('page'), page.click('#refresh_token')]))[0];

async function person(browser, world) {
  const { page } = browser;

  await test('oauth: without having signed in nothing is checked, and the page says so', async () => {
    await openFormAnew(page);
    await byHand(page, world, 'refresh_token');
    await fill(page, { authorize_url: world.authorize_url, scope: `${world.scope} openid offline_access`, device_url: world.device_url,
      client_id: world.clients.person.client_id, client_secret: world.clients.person.client_secret ?? '' });
    await submit(page);
    await page.waitForSelector('#refresh_token-fault');
    assert.match(await fault(page, 'refresh_token'), /melden Sie sich/);
    await inspectForms(page, '89-oauth-sign-in');
  });

  await test('oauth: somebody who does not agree is led back, and reads why', async () => {
    const tab = await begin(browser);
    await tab.click('a[href*="abort"]');
    await tab.waitForSelector('[data-return=failed]');
    assert.ok((await text(tab, '[data-return]')).length > 40);
    assert.doesNotMatch(tab.url(), /error=|state=/);
    await inspect(tab, 'de-90-oauth-refused');
    await tab.close();
  });

  await test('oauth: a sign-in comes back to a page of its own, and the one with the settings knows at once', async () => {
    const tab = await begin(browser);
    await page.waitForSelector('[data-waiting]');
    await clickThrough(tab, world.login, () => assert.match(tab.url(), /oauth-return/));
    await tab.waitForSelector('[data-return=done]');
    assert.equal(new URL(tab.url()).pathname + new URL(tab.url()).hash, '/#/oauth-return', 'the code is not in the address');
    await inspect(tab, 'de-91-oauth-returned');
    await page.waitForSelector('[data-signed-in]');
    assert.equal(await page.locator('[data-waiting]').count(), 0);
    await tab.reload();
    await tab.waitForSelector('[data-return=nothing]');
    await tab.close();
  });

  await test('oauth: what the sign-in left is checked, goes into force, and a test mail arrives with it', async () => {
    await untilRun(page, 'passed');
    await setupState(page, 'complete');
    assert.ok((await grants(world)).includes('refresh_token'));
    await testMailArrives(page, world);
  });

  await test('oauth: where no browser finds its way back, the address line is pasted', async () => {
    await openForm(page);
    await page.waitForSelector('#refresh_token');
    const before = await page.getAttribute('[data-signed-in]', 'data-signed-in');
    let there = '';
    const tab = await begin(browser);
    tab.on('request', (request) => { if (RETURN.test(request.url())) there = request.url(); });
    await tab.route('**/redeem', (route) => route.abort()); // as if the way back led nowhere
    await clickThrough(tab, world.login, () => assert.match(there, /code=/));
    await tab.waitForSelector('[data-return=failed]');
    await tab.close();
    await page.click('.guide summary:has-text("Fehler")');
    await page.fill('#pasted_address', 'https://example.org/');
    await page.keyboard.press('Enter');
    assert.match(await fault(page, 'pasted_address'), /„state=“/);
    await page.fill('#pasted_address', there);
    await inspectForms(page, '92-oauth-paste');
    await page.keyboard.press('Enter');
    await eventually(async () => assert.notEqual(await page.getAttribute('[data-signed-in]', 'data-signed-in'), before));
  });

  await test('oauth: a code is entered on another device, and the page waits for it', async () => {
    const before = await page.getAttribute('[data-signed-in]', 'data-signed-in');
    await page.click('.guide summary:has-text("anderen Gerät")');
    await page.click('#device_start');
    const code = await text(page, '#device-code');
    await inspectForms(page, '93-oauth-device');
    const tab = await browser.context.newPage();
    await tab.goto(await page.getAttribute('[data-device] a', 'href'));
    await tab.fill('input[name=user_code]', code);
    await clickThrough(tab, world.login, async () => assert.notEqual(await page.getAttribute('[data-signed-in]', 'data-signed-in'), before));
    await tab.close();
  });
}

// --- From nothing, and when the secret is worth nothing any more ------------------------------------------------------------

async function newcomer({ page }, world, setupLink) {
  const step = chain('oauth, a new user: ');
  const { application: client } = world.clients;
  let issued = 0;
  let ids = [];

  await step('an empty page leads to settings that are complete', async () => {
    await createAdmin(page, setupLink);
    await page.fill('#from_email', world.login);
    await openForm(page);
    await byHand(page, world, 'client_secret');
    await fill(page, { client_id: client.client_id, client_secret: client.client_secret });
    await untilRun(page, 'passed');
    issued = Date.now();
    await setupState(page, 'complete');
  });

  await step('sending is switched on, and a test mail is delivered', async () => {
    await page.locator('.ladder').getByRole('button', { name: 'Mailversand einschalten' }).click();
    await page.waitForSelector('[role=switch][aria-checked=true]');
    await testMailArrives(page, world);
  });

  await step('a secret that is revoked holds all mail, and every page says why in a clear sentence', async () => {
    await setSending(page, { enabled: false }); // ends the connection, which is signed in
    ids = [await post(page, { to: world.login, subject: 'Wartet eins' }), await post(page, { to: world.login, subject: 'Wartet zwei' })];
    client.client_secret = 'ein neues, das noch niemand eingetragen hat';
    await control(world, 'PUT', '/secret', { client_id: client.client_id, client_secret: client.client_secret });
    await eventually(() => assert.ok(Date.now() - issued > YOUNG_MS));
    await control(world, 'POST', '/revoke', { client_id: client.client_id });
    await setSending(page, { enabled: true });
    await page.waitForSelector('.breaker[data-tries="1"]');
    await untilText(page, '.breaker', /OAuth2-Dienst nimmt .* nicht an.*keine geht verloren\. 2 Empfänger warten\./);
    await untilText(page, '#status-title', /^Anmeldung abgelehnt$/);
    for (const id of ids) await untilState(page, id, 'held');
    await inspectForms(page, '95-oauth-revoked');
    await speak(page, 'en');
    await untilText(page, '.breaker', /OAuth2 service does not accept /);
    await speak(page, 'de');
  });

  await step('the new secret is entered where the page leads to; the rest happens by itself, and what waited is delivered', async () => {
    await page.getByRole('link', { name: 'Zugangsdaten prüfen' }).click();
    await untilFocused(page, '#client_secret');
    await page.keyboard.type(client.client_secret);
    await untilRun(page, 'passed', () => page.keyboard.press('Enter'));
    await page.waitForSelector('.breaker', { state: 'detached' });
    for (const id of ids) await untilState(page, id, 'accepted');
    for (const subject of ['Wartet eins', 'Wartet zwei']) {
      await eventually(async () => assert.equal((await mailbox(world)).filter((mail) => mail.includes(`Subject: ${subject}`)).length, 1));
    }
    await untilText(page, '#status-title', /^Einrichtung abgeschlossen$/);
  });
}

// --- Keys ----------------------------------------------------------------------------------------------------------------

const WORDS_OF_KEYS = {
  de: { active: 'In Gebrauch', ready: 'Bereit', retiring: 'Wird abgelöst', created: 'Angelegt am' },
  en: { active: 'In use', ready: 'Ready', retiring: 'Being replaced', created: 'Created on' },
};

/** What the page says of each key, once it says so: its state in words and since when it is there. */
async function untilKeys(page, wanted) {
  const { data } = await (await page.context().request.get(new URL('/v1/keys', page.url()).href)).json();
  assert.deepEqual(data.map(({ state }) => state).sort(), [...wanted].sort());
  for (const language of ['en', 'de']) {
    await speak(page, language);
    const words = WORDS_OF_KEYS[language];
    const format = new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en', { dateStyle: 'medium', timeZone: 'Europe/Berlin' });
    for (const { id, state, created_at: at, sealed } of data) {
      const said = await text(page, `[data-key="${id}"][data-key-state=${state}]`);
      for (const part of [words[state], words.created, format.format(new Date(at))]) assert.ok(said.includes(part), `${part} in ${said}`);
      if (state !== 'active') assert.equal(sealed, 0);
    }
  }
  return data;
}

async function keys({ page }, { url, data }) {
  const command = async (...words) => (await promisify(execFile)(PROGRAM, ['key', ...words, '--data', data], { timeout: 120000 })).stdout;
  const open = () => openAnew(page, `${url}/#/organisation`, '[data-key-state=active]');

  await test('oauth: the organisation page shows which key is in use, since when and how much it has encrypted, and nothing of the key', async () => {
    await open();
    const [key] = await untilKeys(page, ['active']);
    assert.ok(key.sealed > 0);
    await untilText(page, '[aria-labelledby=keys-title]', /absender key/);
    await inspect(page, 'de-94-keys');
  });

  await test('oauth: a key that was added is ready; once it is in use, the former is being replaced, and then gone', async () => {
    await command('add');
    await open();
    const [former, added] = await untilKeys(page, ['active', 'ready']);
    assert.deepEqual([former.state, added.state], ['active', 'ready']);
    await command('activate', added.id);
    await open();
    const [now] = await untilKeys(page, ['active', 'retiring']);
    assert.equal(now.id, added.id);
    await inspectForms(page, '94-keys');
    await command('retire', former.id);
    await open();
    await untilKeys(page, ['active']);
  });

  await test('oauth: while entries still carry the former key, the page counts them down', async () => {
    const real = await (await page.context().request.get(`${url}/v1/keys`)).json();
    let left = 3;
    await page.route('**/v1/keys', (route) => route.fulfill({ json: { ...real, data: [...real.data, { ...real.data[0], id: '00'.repeat(16), state: 'retiring', sealed: left }] } }));
    await open();
    await untilText(page, '[data-keys-left="3"]', /^3 Einträge tragen noch den alten Schlüssel/);
    left = 0;
    await page.waitForSelector('[data-keys-left]', { state: 'detached' });
    await page.unroute('**/v1/keys');
  });
}

/** A daemon and a browser of its own for these statements, beside that world. */
async function beside(world, what) {
  const ports = [world.mail.starttls_port, world.mail.implicit_port].map(String);
  const daemon = await startDaemon(ports, ['--ca-file', world.ca_file, '--allow-network', '127.0.0.0/8']);
  const browser = await openBrowser(daemon.url, { others: [new URL(world.authorize_url).origin] });
  try {
    await what(browser, daemon);
    await test('oauth: nothing was said on the console, and no other host was asked', () => assert.deepEqual(browser.complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
  }
}

export async function oauth() {
  const world = await startWorld('authserver', '--mail');
  try {
    await beside(world, async (browser, daemon) => {
      await createAdmin(browser.page, daemon.setupLink);
      for (const part of [microsoft, certificate, google, application, person]) await part(browser, world);
      await keys(browser, daemon);
    });
    await beside(world, (browser, daemon) => newcomer(browser, world, daemon.setupLink));
  } finally {
    await world.end();
  }
}
