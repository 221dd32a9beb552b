// What a person can try with nothing but this program: the sandbox plays the providers of the manuals. What is then said and offered:
// test/real/test_verification.py, for every scene.
import assert from 'node:assert/strict';
import { inspect, openBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { createAdmin, openAnew, readSmtp, setupState, submit, text, untilDraft, untilFocused, untilRun, untilValue } from './steps.mjs';
import { test } from './tap.mjs';

const RIGHT_PASSWORD = 'sandbox'; // the page says so
// mends: the button that checks again at once; without it the right password is typed
const SCENES = [
  { name: 'ionos certificate', diagnosis: 'tls_hostname_mismatch', mends: 'use_right_host' },
  { name: 'gmail app_password', diagnosis: 'gmail_app_password_required' },
  { name: 'strato port', diagnosis: 'connect_port_blocked', mends: 'use_sibling_port' },
  { name: 'ionos wrong_password', diagnosis: 'auth_failed_generic' },
  { name: 'strato sender', diagnosis: 'sender_not_owned', mends: 'use_from_of_login' },
];

/** Enters a scene, checks it, is told what is wrong, and does what is offered: that brings it into force. */
async function play(page, url, { name, diagnosis, mends }) {
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
  if (mends) {
    await untilRun(page, 'passed', () => page.click(`.ladder [data-action=${mends}]`));
  } else {
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

    for (const scene of SCENES) {
      await test(`${scene.name}: entered, checked, told, mended and in force`, () => play(page, daemon.url, scene));
    }
    await test('no word on the console', async () => assert.deepEqual(browser.complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
  }
}
