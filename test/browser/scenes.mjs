// What a person can try with nothing but this program: the sandbox plays the providers of the manuals. What is then said and offered:
// test/real/test_verification.py, for every scene.
import assert from 'node:assert/strict';
import { eventually, inspect, openBrowser, speak } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { callApi, createAdmin, openAnew, readSmtp, setupState, submit, text, untilDraft, untilFocused, untilRun, untilText, untilValue } from './steps.mjs';
import { test } from './tap.mjs';

const RIGHT_PASSWORD = 'sandbox'; // the page says so
// mends: the button that checks again at once; without it the right password is typed
const SCENES = [
  { name: 'ionos certificate', diagnosis: 'tls_hostname_mismatch', mends: 'use_right_host', says: 'Das Zertifikat nennt localhost, eingetragen ist mail.localhost.' },
  { name: 'gmail app_password', diagnosis: 'gmail_app_password_required' },
  { name: 'strato port', diagnosis: 'connect_port_blocked', mends: 'use_sibling_port' },
  { name: 'allinkl port', diagnosis: 'connect_port_blocked', mends: 'use_sibling_port' },
  { name: 'ionos wrong_password', diagnosis: 'auth_failed_generic' },
  { name: 'allinkl wrong_password', diagnosis: 'auth_failed_generic' },
  { name: 'strato sender', diagnosis: 'sender_not_owned', mends: 'use_from_of_login' },
];

/** Enters a scene, checks it, is told what is wrong, and does what is offered: that brings it into force. */
async function play(page, url, { name, diagnosis, mends, says }) {
  const username = `info@${name.split(' ')[0]}.example`;
  await openAnew(page, `${url}/#/sandbox`, '[data-scenes]');
  await page.click('[data-scenes] > summary');
  assert.match(await text(page, '[data-scenes] > .hint'), new RegExp(`Das richtige Passwort ist immer „${RIGHT_PASSWORD}“`));
  await page.click(`[data-scene="${name}"]`);
  await untilDraft(page, (draft) => draft.username === username && draft.password.set);
  await untilFocused(page, '#verify');

  await untilRun(page, 'failed', () => submit(page));
  await page.waitForSelector(`.ladder [data-diagnosis=${diagnosis}]`);
  assert.match(await text(page, '.ladder .meaning'), /\.$/); // one sentence
  if (says) await untilText(page, '.ladder [data-connected-to]', says);
  if (mends) {
    await untilRun(page, 'passed', () => page.click(`.ladder [data-action=${mends}]`));
  } else {
    if (diagnosis === 'auth_failed_generic') assert.equal(await page.getAttribute('.ladder .diagnosis .primary', 'data-action'), 'enter_password_again');
    await page.click('.ladder [data-action=enter_password_again]');
    await untilFocused(page, '#password');
    await untilValue(page, 'password', '');
    await page.fill('#password', RIGHT_PASSWORD);
    await untilRun(page, 'passed', () => submit(page));
  }
  await setupState(page, 'complete');
  const { active, draft } = await readSmtp(page);
  assert.deepEqual([active.effective.username, active.from_email, active.host, draft], [username, username, 'localhost', null]);
}

export async function scenes() {
  const daemon = await startDaemon();
  const browser = await openBrowser(daemon.url);
  const { page } = browser;
  try {
    await createAdmin(page, daemon.setupLink);
    await test('the sandbox page names the five providers, each with what can go wrong there', async () => {
      await openAnew(page, `${daemon.url}/#/sandbox`, '[data-scenes]');
      await page.click('[data-scenes] > summary');
      assert.deepEqual(await page.$$eval('[data-scenes] h3', (all) => all.map((one) => one.textContent)),
        ['IONOS', 'STRATO', 'ALL-INKL.COM', 'Gmail', 'Microsoft 365']);
      assert.equal(await page.locator('[data-scene]').count(), 26);
      await inspect(page, 'de-90-scenes');
    });

    await test('another language is spoken at once, what the server says of a scene too', async () => {
      const scene = '[data-scene="ionos wrong_password"]';
      const hint = () => page.locator(`li:has(${scene}) .hint`).textContent();
      assert.match(await hint(), /falsch/);
      await speak(page, 'en');
      await eventually(async () => assert.match(await hint(), /wrong/));
      await speak(page, 'de');
      await eventually(async () => assert.match(await hint(), /falsch/));
    });

    for (const scene of SCENES) {
      await test(`${scene.name}: entered, checked, told, mended and in force`, () => play(page, daemon.url, scene));
    }
    await test('mended, the test mail leaves with the new sender; what was handed over in the name of the former one says so', async () => {
      await openAnew(page, `${daemon.url}/#/sandbox`, '[data-scenes]');
      await page.click('[data-scenes] > summary');
      await page.click('[data-scene="microsoft365 sender"]');
      await untilDraft(page, (draft) => draft.username === 'info@microsoft365.example' && draft.password.set);
      const { draft: { from_email: former } } = await readSmtp(page);
      await untilRun(page, 'passed', () => submit(page));
      const own = { from: former, to: 'kunde@example.net', subject: 'Mit eigenem Absender', text: 'Guten Tag' };
      const { body: { id } } = await callApi(page, 'POST', '/v1/emails', own);
      await callApi(page, 'PUT', '/v1/smtp/sending', { enabled: true });
      await page.fill('#test_to', 'kundin@example.net');
      await page.click('#test-mail-card button[type=submit]');
      await page.locator('.test-progress [data-action=use_from_of_login]').waitFor();
      const mail = await page.getAttribute('.test-progress a[href^="#/outbox/"]', 'href');
      await untilRun(page, 'passed', () => page.click('.test-progress [data-action=use_from_of_login]'));
      await openAnew(page, `${daemon.url}/${mail}`, '.explanation[data-code=accepted]');
      assert.match(await text(page, 'main'), /info@microsoft365\.example/);
      await openAnew(page, `${daemon.url}/#/outbox/${id}`, '[data-code=deferred_sender]');
      assert.ok((await text(page, '.explanation .lead')).endsWith(
        `Diese E-Mail trägt noch den Absender ${former}. Gesendet werden darf nur als info@microsoft365.example; Absender hat sie deshalb nicht übergeben.`));
      const last = await text(page, '.attempt:last-child');
      assert.match(last, /Brechen Sie sie ab/);
      assert.ok(!last.includes('Antwort des Servers') && !last.includes(former), last); // nobody was asked
      await inspect(page, 'de-91-former-sender');
      await page.click('.actions .danger');
      await page.click('#cancel-question .danger, .ask .danger');
      await page.waitForSelector('.explanation[data-code=cancelled]');
    });
    await test('a check that failed stands in the log with what it met, in words', async () => {
      const { body: { data } } = await callApi(page, 'GET', '/v1/audit-events?limit=100&action=smtp.verified', null, { 'Accept-Language': 'de' });
      const { id, meaning } = data.find(({ detail }) => detail === 'tls_hostname_mismatch');
      await openAnew(page, `${daemon.url}/#/audit?action=smtp.verified`, `[data-audit="${data[0].id}"]`);
      const rows = await text(page, 'table.audit');
      assert.ok(meaning && rows.includes(meaning) && !rows.includes('tls_hostname_mismatch'), id);
    });
    await test('no word on the console', async () => assert.deepEqual(browser.complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
  }
}
