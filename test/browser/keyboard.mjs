// The whole way by keyboard alone: from the link of the first admin to a test mail that has arrived, a pause, a text that is copied and
// earlier settings that come back. Nothing is clicked and no field is filled but by keys; only the reader's own mail program is played.
import assert from 'node:assert/strict';
import { eventually, openBrowser } from './browser.mjs';
import { linkFor } from './captured.mjs';
import { startDaemon } from './daemon.mjs';
import { ADMIN, clipboard, openAnew, readSmtp, setupState, untilFocused, untilRun, untilText, untilValue } from './steps.mjs';
import { chain } from './tap.mjs';

const STOPS = 120; // no page has more

/** Presses Tab until what the selector means has the focus; backwards: with Shift. */
async function reach(page, selector, backwards = false) {
  await page.waitForSelector(selector);
  const isThere = () => page.evaluate((wanted) => document.activeElement?.matches(wanted), selector);
  for (let i = 0; i < STOPS && !(await isThere()); i += 1) await page.keyboard.press(backwards ? 'Shift+Tab' : 'Tab');
  assert.ok(await isThere(), `${selector} is reached by Tab`);
}

async function write(page, selector, words) {
  await reach(page, selector);
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type(words);
}

async function press(page, selector, key = 'Enter') {
  await reach(page, selector);
  await page.keyboard.press(key);
}

/** Whether the field has the focus at the very moment it is drawn, before anybody can press a key. draw: what brings it, in the page. */
async function beginsInField(page, id, draw) {
  await page.evaluate((wanted) => {
    window.began = new Promise((resolve) => {
      new MutationObserver((_, observer) => {
        const field = document.getElementById(wanted);
        if (!field) return;
        observer.disconnect();
        resolve(document.activeElement === field);
      }).observe(document.body, { subtree: true, childList: true });
    });
  }, id);
  await draw();
  assert.ok(await page.evaluate('window.began'), `#${id} has the focus when it is drawn`);
}

// page, what opens the form there, and the field it begins in
const FORMS = [['people', '#invite', 'email'], ['applications', '.page-head button', 'name'], ['webhooks', '.page-head button', 'url']];

export async function keyboard() {
  const daemon = await startDaemon();
  const browser = await openBrowser(daemon.url);
  const { page, context } = browser;
  const step = chain('keyboard: ');
  try {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);

    await step('the first admin', async () => {
      await page.goto(daemon.setupLink);
      for (const name of ['name', 'email', 'password']) await write(page, `#${name}`, ADMIN[name]);
      await page.keyboard.press('Enter');
      await setupState(page, 'not_configured');
    });

    await step('a provider is chosen from the list', async () => {
      await eventually(async () => { // the list may open by itself while one is about to open it, and then the key shuts it
        if (await page.locator('.providers:not([open])').count()) await press(page, '.providers > summary');
        assert.ok(await page.locator('[data-preset=sandbox]').isVisible(), 'the list is open');
      });
      await press(page, '[data-preset=sandbox]');
      await untilValue(page, 'host', 'localhost');
    });

    await step('a wrong password fails, and the button of the diagnosis leads to the field', async () => {
      await write(page, '#password', 'falsch');
      await untilRun(page, 'failed', () => page.keyboard.press('Enter'));
      await press(page, '.ladder [data-action=enter_password_again]');
      await untilFocused(page, '#password');
      await page.keyboard.type('sandbox');
      await untilRun(page, 'passed', () => page.keyboard.press('Enter'));
      await setupState(page, 'complete');
      await untilFocused(page, '#status-title');
    });

    await step('sending is switched on', async () => {
      await press(page, '[role=switch]', 'Space');
      await page.waitForSelector('[role=switch][aria-checked=true]');
    });

    await step('a test mail is sent, arrives, and is answered for', async () => {
      await write(page, '#test_to', 'leser@example.net');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.test-progress[data-state=accepted]');
      const reader = await context.newPage();
      await reader.goto(await linkFor(page, 'leser@example.net'));
      await press(reader, '.arrived button');
      await reader.waitForSelector('.arrived[data-folder=inbox]');
      await reader.close();
      await page.waitForSelector('.test-progress[data-arrived=inbox]');
    });

    await step('it is paused with a reason, and resumed', async () => {
      await press(page, '[role=switch]', 'Space');
      await write(page, '#pause_reason', 'Umzug');
      await page.keyboard.press('Enter');
      await page.waitForSelector('[role=switch][aria-checked=false]');
      await untilText(page, '.banner', /Umzug/);
      await press(page, '[role=switch]', 'Space');
      await page.waitForSelector('[role=switch][aria-checked=true]');
    });

    await step('a pasted error is explained, and the text for somebody else is copied', async () => {
      await press(page, '#bounce-box:not([open]) > summary');
      await write(page, '#bounce_text', 'host smtp.ionos.de said: 530 5.7.0 Must issue a STARTTLS command first (in reply to MAIL FROM command)');
      await press(page, '#bounce-box button[type=submit]');
      await press(page, '#bounce-box .for-others summary');
      await press(page, '#bounce-box .for-others button');
      await eventually(async () => assert.equal(await clipboard(page), await page.textContent('#bounce-box .for-others p')));
    });

    await step('the settings are changed, and the earlier ones come back', async () => {
      await page.goto(`${daemon.url}/#/settings/email/edit`);
      await write(page, '#from_name', 'Neuer Name');
      await untilRun(page, 'passed', () => page.keyboard.press('Enter'));
      await eventually(async () => assert.equal((await readSmtp(page)).sending_with.from_name, 'Neuer Name'));
      await press(page, '#history:not([open]) > summary');
      await untilRun(page, 'passed', () => press(page, '[data-version]:not(.active) button'));
      await eventually(async () => assert.equal((await readSmtp(page)).sending_with.from_name, null));
    });

    await step('a form that begins in a field has the focus there as soon as it is drawn, so that no key is lost', async () => {
      for (const [where, button, id] of FORMS) {
        await page.goto(`${daemon.url}/#/${where}`);
        await reach(page, button);
        await beginsInField(page, id, () => page.keyboard.press('Enter'));
      }
      await page.goto('about:blank');
      await context.clearCookies(); // from here on nobody is signed in
      for (const hash of ['reset', 'sign-in']) {
        await openAnew(page, `${daemon.url}/#/arrived/${'A'.repeat(43)}`, '.arrived');
        await beginsInField(page, 'email', () => page.evaluate((where) => { location.hash = `#/${where}`; }, hash));
      }
    });

    await step('nothing was said on the console, and no other host was asked', () => assert.deepEqual(browser.complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
  }
}
