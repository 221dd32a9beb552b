// What a person can try with nothing but this program: the sandbox plays the providers of the manuals. What is then said and offered:
// test/real/test_verification.py, for every scene.
import assert from 'node:assert/strict';
import { inspect, openBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { createAdmin, openAnew, untilValue } from './steps.mjs';
import { test } from './tap.mjs';

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

    await test('one click enters the values of a scene as a draft', async () => {
      await page.click('[data-scene="gmail app_password"]');
      await untilValue(page, 'from_email', 'info@gmail.example');
      await untilValue(page, 'host', 'localhost');
    });
  } finally {
    await browser.close();
    await daemon.stop();
  }
}
