// The main job from the first visit to the captured test mail, in one language.
import assert from 'node:assert/strict';
import { eventually, inspectForms, openBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { ADMIN, chooseTile, createAdminByHand, rungs, setupState, untilFocused, untilRun, untilText, untilValue } from './steps.mjs';
import { chain } from './tap.mjs';

const WORDS = {
  de: {
    invite: /Einladen können Sie auch ohne E-Mail-Versand: Der Link .* lässt sich kopieren/, certificate: /^Ausgestellt von Absender private CA, gültig bis \d\d\.\d\d\.\d{4}$/,
    page: 'E-Mail-Versand', complete: 'Einrichtung abgeschlossen', states: { not_configured: 'Nicht eingerichtet', incomplete: 'Einrichtung begonnen' },
    verify: 'Prüfen und übernehmen', switchOn: 'Mailversand einschalten', send: 'Testmail senden', captured: 'In der Sandbox ansehen',
    accepted: 'Angenommen', signIn: 'Anmelden',
  },
  en: {
    invite: /invite people even before email works: the link to join can be copied/, certificate: /^Issued by Absender private CA, valid until \w+ \d+, \d{4}$/,
    page: 'Email sending', complete: 'Setup complete', states: { not_configured: 'Not set up', incomplete: 'Setup begun' },
    verify: 'Verify and apply', switchOn: 'Switch mail sending on', send: 'Send test email', captured: 'View in the sandbox',
    accepted: 'Accepted', signIn: 'Sign in',
  },
};
const RUNGS = ['dns', 'connect', 'greeting', 'ehlo', 'starttls', 'tls', 'certificate', 'auth', 'sender'];

export async function flow(language) {
  const words = WORDS[language];
  const daemon = await startDaemon();
  const browser = await openBrowser(daemon.url, { language });
  const { page, complaints } = browser;
  const step = chain(`${language}: `);
  const look = (name) => language === 'de' && inspectForms(page, name); // English is one of the forms
  const button = (name) => page.getByRole('button', { name, exact: true });

  try {
    await step('the first visit speaks the language of the browser', async () => {
      await page.goto(daemon.url);
      await page.waitForSelector('h1');
      assert.equal(await page.getAttribute('html', 'lang'), language);
      await look('01-first-visit');
    });

    await step('the one-time link makes the first admin', async () => {
      await page.goto(daemon.setupLink);
      await page.waitForSelector('#name');
      assert.equal(await page.inputValue('#public_url'), daemon.url, 'it proposes the address that is in use');
      await look('02-setup');
      await createAdminByHand(page, daemon.setupLink);
      await untilText(page, 'h1', words.page);
      await untilText(page, '#status-title', words.states.not_configured);
      await page.waitForURL(/#\/settings\/email$/);
      assert.deepEqual(await page.$$eval('main input', (all) => all.map(({ id }) => id)), ['from_email']);
      assert.equal(await page.locator('.way .past, .way .here').count(), 0, 'no stage is shown as done');
      await untilText(page, '.invite-anyway', words.invite);
      assert.equal(await page.getAttribute('.invite-anyway a', 'href'), '#/people');
      await look('03-not-configured');
    });

    await step('the address alone brings server, port and why, and the password is all that is left to type', async () => {
      await page.fill('#from_email', 'info@ionos.de');
      await page.keyboard.press('Enter');
      await page.waitForSelector('[data-found=domain_table]');
      await untilValue(page, 'host', 'smtp.ionos.de');
      assert.ok((await page.textContent('.found-best .hint')).includes('ionos.de'), 'it says why');
      await untilFocused(page, '#password');
      assert.equal(await page.getAttribute('[data-provider]', 'data-provider'), 'ionos');
      await page.waitForSelector('[data-saved=yes]');
      await look('03b-found');
    });

    await step('the Sandbox tile fills the form and keeps a draft', async () => {
      await chooseTile(page, 'sandbox');
      await untilValue(page, 'host', 'localhost');
      await setupState(page, 'incomplete');
      await untilText(page, '#status-title', words.states.incomplete);
      await untilValue(page, 'from_email', 'sandbox@localhost.test');
      await page.waitForSelector('[data-saved=yes]');
      await look('04-begun');
    });

    await step('verifying climbs every rung and puts the settings in force', async () => {
      await untilRun(page, 'passed', () => button(words.verify).click());
      await setupState(page, 'complete');
      await untilText(page, '#status-title', words.complete);
      assert.deepEqual(await rungs(page), RUNGS.map((name) => [name, 'passed']));
      await untilText(page, '[data-phase=certificate] .rung-detail', words.certificate);
      await untilFocused(page, '#status-title');
      await look('05-complete');
    });

    await step('success offers to switch sending on and does not do so itself', async () => {
      assert.equal(await page.getAttribute('[role=switch]', 'aria-checked'), 'false');
      await page.waitForSelector('.banner');
      await button(words.switchOn).click();
      await page.waitForSelector('[role=switch][aria-checked=true]');
      await page.waitForSelector('.banner', { state: 'detached' });
    });

    await step('the test mail is followed until it is accepted', async () => {
      await page.fill('#test_to', 'kundin@example.net');
      await button(words.send).click();
      await page.waitForSelector('.test-progress[data-state=accepted]');
      assert.ok((await page.textContent('.test-progress')).includes(words.accepted));
      await page.getByRole('link', { name: words.captured }).waitFor();
      await look('06-test-mail');
    });

    await step('the captured mail is read in the sandbox', async () => {
      await page.getByRole('link', { name: words.captured }).click();
      await page.waitForSelector('[role=tabpanel]');
      assert.match(page.url(), /#\/sandbox\/.+/);
      assert.ok((await page.textContent('h1')).trim().length > 0);
      assert.ok((await page.textContent('.facts')).includes('kundin@example.net'));
      await look('07-captured');
      const tabs = page.getByRole('tab');
      for (let i = 0; i < await tabs.count(); i += 1) {
        await tabs.nth(i).click();
        await eventually(async () => assert.ok((await page.textContent('[role=tabpanel]')).trim().length > 0 || await page.isVisible('iframe'),
          `tab ${i} shows something`));
      }
    });

    await step('the sandbox lists it', async () => {
      await page.click('a[href="#/sandbox"]');
      await page.waitForSelector('[data-capture]');
      assert.equal(await page.locator('[data-capture]').count(), 1);
      await look('08-sandbox');
    });

    await step('the outbox lists it, and filters by state and words', async () => {
      await page.click('nav a[href="#/outbox"]');
      await page.waitForSelector('[data-email]');
      assert.ok((await page.textContent('[data-email]')).includes(words.accepted));
      await look('09-outbox');
      await page.selectOption('#filter_state', 'rejected');
      await page.waitForSelector('.empty');
      await page.selectOption('#filter_state', 'accepted');
      await page.waitForSelector('[data-email]');
      await page.fill('#filter_search', 'niemand@nirgends');
      await page.waitForSelector('.empty');
      await page.fill('#filter_search', 'kundin@');
      await page.waitForSelector('[data-email]');
    });

    await step('one email shows its recipient, its attempt and its timeline', async () => {
      await page.click('[data-email] a');
      await page.waitForSelector('.timeline li');
      assert.ok((await page.textContent('.recipients')).includes('kundin@example.net'));
      await page.waitForSelector('.attempt');
      await look('10-email');
    });

    await step('a reload keeps the session and shows the setup as it is', async () => {
      await page.goto(`${daemon.url}/#/settings/email`);
      await page.reload();
      await setupState(page, 'complete');
      await page.waitForSelector('[role=switch][aria-checked=true]');
      await look('11-settled');
    });

    await step('signing out and in again leads back', async () => {
      await page.locator('.account button').click();
      await page.waitForSelector('#password[autocomplete=current-password]');
      await look('12-sign-in');
      await page.fill('#email', ADMIN.email);
      await page.fill('#password', ADMIN.password);
      await button(words.signIn).click();
      await setupState(page, 'complete');
    });

    await step('nothing was said on the console, and no other host was asked', () => assert.deepEqual(complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
  }
}
