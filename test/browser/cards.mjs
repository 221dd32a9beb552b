// The status page: what was, what is and what comes, the test mail up to its arrival, the domain, what is pasted, earlier settings.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import { eventually, inspect, inspectForms, openBrowser, speak } from './browser.mjs';
import { linkFor } from './captured.mjs';
import { startDaemon } from './daemon.mjs';
import { startProvider } from './provider.mjs';
import {
  callApi, createAdmin, openForm, post, readSmtp, sandboxValues, setSending, settings, setupState, text, unfold, untilAnnounced, untilFocused, untilRun,
  untilState, untilText, verifyApart, verifySandbox,
} from './steps.mjs';
import { test } from './tap.mjs';

const ROOT = new URL('../../', import.meta.url).pathname;
// What issue 5 asks for: the size of all assets that are loaded for what is shown, with the texts of one language. The time is held to it
// only where nothing else runs (BROWSER_IDLE=1; bench/README.md has the figure).
const ASKED_BYTES = 150000;
const ASKED_MS = 300;
const IS_IDLE = process.env.BROWSER_IDLE === '1'; // the clock on the wall tells something
const VISITS = Number(process.env.BROWSER_VISITS ?? 5);
const USABLE_MS = 10 * ASKED_MS * Math.max(Number(process.env.BROWSER_SLOWER ?? 1), 1);
const card = (name) => `[aria-labelledby=${name}-title]`;
const PASSWORD = 'ein Passwort beim Anbieter';
const days = (n) => new Date(Date.now() + n * 86400000).toISOString();

/** The page with an answer of GET /v1/smtp as it would be on another day; patched from the real one. */
async function onAnotherDay(page, url, patch, body) {
  await page.route('**/v1/smtp/events*', () => {});
  await page.route('**/v1/smtp', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...await response.json(), ...patch } });
  });
  try {
    await page.reload();
    await page.waitForSelector('#test-mail-card');
    await body();
  } finally {
    await page.unroute('**/v1/smtp');
    await page.unroute('**/v1/smtp/events*');
    await page.reload();
    await page.waitForSelector('#test-mail-card');
  }
}

// --- Size --------------------------------------------------------------------------------------------------------------

async function size() {
  const folder = await mkdtemp(join(tmpdir(), 'absender-pages-'));
  try {
    await promisify(execFile)(join(ROOT, 'tools/embed-pages'), [join(ROOT, 'ui/absender.gresource.xml'), join(folder, 'pages.c'), join(folder, 'pages.d')]);
    const names = (await readdir(join(folder, 'pages'), { recursive: true })).filter((name) => /\.\w+$/.test(name));
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, 'pages', name))).size));
    console.log(`# all pages in both languages, ${names.length} files: ${sizes.reduce((sum, one) => sum + one, 0)} bytes`);
    await test('what is shrunk holds no comment and no indentation, and every text of the sources', async () => {
      for (const name of names.filter((one) => one.endsWith('.js') && !one.startsWith('vendor'))) {
        assert.doesNotMatch(await readFile(join(folder, 'pages', name), 'utf8'), /\n\s|^\s*\/\//m, name);
      }
      const texts = names.filter((one) => one.startsWith('i18n/'));
      assert.ok(texts.length >= 4, texts.join());
      for (const name of texts) {
        assert.deepEqual(JSON.parse(await readFile(join(folder, 'pages', name), 'utf8')), JSON.parse(await readFile(join(ROOT, 'ui', name), 'utf8')));
      }
    });
    await test('a module that is loaded later names all modules that it cannot run without, so that they come at once', async () => {
      const text = async (name) => readFile(join(folder, 'pages', name), 'utf8');
      const pathsIn = (name, code, form) => [...code.matchAll(form)].map(([, path]) => posix.join(posix.dirname(name), path));
      const needsOf = async (name) => pathsIn(name, await text(name), /(?:^|;)(?:import|export)\b[^;"(]*"(\.[^"]+)"/gm);
      const first = new Set([...(await text('index.html')).matchAll(/modulepreload" href="\/assets\/([^"]+)"/g)].map(([, name]) => name));
      assert.ok(first.has('app.js') && first.has('vendor/preact.module.js'), [...first].join());
      const modules = names.filter((name) => name.endsWith('.js'));
      const later = new Set((await Promise.all(modules.map(async (name) => pathsIn(name, await text(name), /\bimport\("(\.[^"]+)"\)/g)))).flat());
      assert.ok(later.size > 20, [...later].join());
      for (const name of later) {
        const named = new Set([name, ...await needsOf(name), ...first]);
        for (const one of named) assert.deepEqual((await needsOf(one)).filter((other) => !named.has(other)), [], `${name}, for ${one}`);
      }
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How many bytes of assets a page has loaded, whether they come from the server or from the cache. */
const loadedBytes = (page) => page.evaluate(() => performance.getEntriesByType('resource')
  .filter(({ name }) => name.includes('/assets/')).reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0));

/** How many it needs for what is shown: all that has come once nothing has for a second. */
async function bytesOf(page) {
  for (let last = -1, since = Date.now(); ;) {
    const now = await loadedBytes(page);
    if (now !== last) [last, since] = [now, Date.now()];
    if (Date.now() - since > 1000) return now;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/** What a browser that has never been here loads before it shows something. */
async function firstVisit(url) {
  const browser = await openBrowser(url);
  try {
    await browser.page.goto(url);
    await browser.page.waitForSelector('.gate');
    return await bytesOf(browser.page);
  } finally {
    await browser.close();
  }
}

/** What one page of somebody who is signed in needs, with everything around it. */
async function bytesOfPage({ context }, url, hash, selector) {
  const page = await context.newPage();
  try {
    await page.goto(`${url}/#/${hash}`);
    await page.waitForSelector(selector);
    return await bytesOf(page);
  } finally {
    await page.close();
  }
}

const OTHERS = [['outbox', '#filter_state'], ['people', '.page-head'], ['applications', '#snippets-title'], ['webhooks', '.empty'], ['mail-texts/invitation/de', 'iframe.mail'],
  ['organisation', 'iframe.mail'], ['audit', '[data-audit]'], ['account', '.page-head']];

/** The settings page in a browser that has it in its cache and is signed in: ms from the request to the drawn state with its buttons. */
async function laterVisit({ context }, url) {
  const page = await context.newPage();
  try {
    await page.addInitScript(() => {
      const look = () => (document.querySelector('[data-setup]') ? requestAnimationFrame(() => { window.usableAt = performance.now(); }) : requestAnimationFrame(look));
      requestAnimationFrame(look);
    });
    await page.goto(`${url}/#/settings/email`);
    return await eventually(async () => {
      const ms = await page.evaluate('window.usableAt');
      assert.ok(ms > 0);
      return ms;
    });
  } finally {
    await page.close();
  }
}

/** The settings page while nothing is set up: one field, then the form with the way to sign in. */
async function beginning({ url }, { context }) {
  const page = await context.newPage();
  try {
    await page.goto(`${url}/#/settings/email`);
    await page.waitForSelector('.start-row');
    const empty = await bytesOf(page);
    await test(`the settings page needs ${empty} bytes while it is empty, of ${ASKED_BYTES}`, () => assert.ok(empty > 50000 && empty <= ASKED_BYTES));
    await page.click('[data-preset=strato]');
    await page.waitForSelector('#password');
    await page.waitForSelector('[data-provider=strato]');
    const form = await bytesOf(page);
    await test(`the settings page needs ${form} bytes with the form, of ${ASKED_BYTES}`, () => assert.ok(form >= empty && form <= ASKED_BYTES));
  } finally {
    await page.close();
  }
}

async function speed({ url }, browser) {
  const bytes = await firstVisit(url);
  await test(`the first page that somebody sees needs ${bytes} bytes, of ${ASKED_BYTES}`, () => assert.ok(bytes > 50000 && bytes <= ASKED_BYTES));
  const settingsBytes = await bytesOfPage(browser, url, 'settings/email', '#test-mail-card');
  await test(`the settings page needs ${settingsBytes} bytes once mail is sent, of ${ASKED_BYTES}`,
    () => assert.ok(settingsBytes > bytes && settingsBytes <= ASKED_BYTES));
  await test(`no other page needs more than ${ASKED_BYTES} bytes`, async () => {
    for (const [hash, selector] of OTHERS) {
      const needed = await bytesOfPage(browser, url, hash, selector);
      assert.ok(needed <= ASKED_BYTES, `${hash}: ${needed}`);
    }
  });
  const visits = [];
  for (let i = 0; i < VISITS; i += 1) visits.push(await laterVisit(browser, url));
  const sorted = visits.sort((a, b) => a - b);
  const [best, median] = [sorted[0], sorted[Math.floor(VISITS / 2)]].map(Math.round); // whatever runs beside spoils some of them, and a fault all
  await test(`the settings page, signed in, warm browser, ${VISITS} times: usable after ${best} ms at best, ${median} in the middle; ${ASKED_MS} were asked for; no more than ${USABLE_MS} at best`,
    () => assert.ok(IS_IDLE ? median <= ASKED_MS : best <= USABLE_MS));
}

const CHECK_MS = 200 * Math.max(Number(process.env.BROWSER_SLOWER ?? 1), 1); // what issue 5 asks for
const ROUNDS = 20; // on a machine that is busy with something else, until it is not

/** From the click to "complete" on the page, in ms: a check of the sandbox with what is in force. */
async function msToComplete(page) {
  await openForm(page);
  const { id } = (await readSmtp(page)).last_verification;
  const ms = await page.evaluate((before) => new Promise((resolve) => {
    const started = performance.now();
    new MutationObserver((changes, observer) => {
      if ([undefined, before].includes(document.querySelector('[data-run=passed]')?.dataset.runId) || !document.querySelector('[data-setup=complete]')) return;
      observer.disconnect();
      resolve(performance.now() - started);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
    document.querySelector('.settings button[type=submit]').click();
  }), id);
  await page.waitForSelector('.settings', { state: 'detached' });
  return ms;
}

async function check({ page }) {
  await test(`a check of the sandbox is complete ${CHECK_MS} ms after the click, in the middle of five`, async () => {
    const medians = [];
    for (let i = 0; i < ROUNDS && !(medians.at(-1) <= CHECK_MS); i += 1) {
      const all = [];
      for (let j = 0; j < 5; j += 1) all.push(await msToComplete(page));
      medians.push(Math.round(all.sort((a, b) => a - b)[2]));
    }
    console.log(`# ms from the click to complete, the middle of five: ${medians.join(' ')}`);
    assert.ok(medians.at(-1) <= CHECK_MS, medians.join(' '));
  });
}

// --- Status ------------------------------------------------------------------------------------------------------------

async function status(daemon, browser) {
  const { page } = browser;

  await test('the last 24 hours are counted as a picture, and in words for who does not see it', async () => {
    await setSending(page, { enabled: true });
    await callApi(page, 'POST', '/v1/emails', { to: 'kundin@example.net', subject: 'Guten Tag', text: 'Hallo' });
    await callApi(page, 'POST', '/v1/emails', { to: 'reject@example.net', subject: 'Guten Tag', text: 'Hallo' });
    await settings(page, daemon.url);
    await page.waitForSelector('[data-activity$=" 0 1"]');
    await eventually(async () => assert.match(await page.getAttribute('svg.activity', 'aria-label'), /^In den letzten 24 Stunden: [1-9]\d* angenommen, 0 zu wiederholen, 1 abgelehnt; jetzt wartend: 0$/));
    assert.equal(await page.locator('svg.activity .hour').count(), 24);
    await untilText(page, '[data-last]:first-child', /reject@example\.net.*Abgelehnt/); // the newest of the last mails, and what came of it
    await untilText(page, '[data-last]:nth-child(2)', /kundin@example\.net.*Angenommen/);
    assert.ok(await page.locator('svg.activity rect.accepted').count() > 0 && await page.locator('svg.activity rect.refused').count() > 0);
    await page.click(`${card('activity')} summary`);
    await untilText(page, `${card('activity')} tbody tr`, /^\d\d:\d\d/);
  });

  await test('what was last and the next dates stand there, the near ones as near', async () => {
    await onAnotherDay(page, daemon.url, {
      last_accepted_at: days(-0.01),
      last_failure: { at: days(-1), diagnosis: { id: 'x', meaning: 'Der Anbieter nimmt gerade nichts an.', fix: 'Nichts zu tun.', actions: [] } },
      dates: [{ code: 'client_secret', name: 'smtp.example.com', at: days(12.5), days_left: 12, reminder: 30, text: 'Ende des Clientschlüssels.' },
        { code: 'provider', name: 'Beispiel', at: days(400), days_left: 400, reminder: null, text: 'Die Anmeldung mit Passwort endet.' }],
    }, async () => {
      await untilText(page, card('dates'), /Zuletzt angenommen: .*Letzter Fehler: .*Der Anbieter nimmt gerade nichts an\./);
      await untilText(page, '.dates .soon', /noch 12 Tage\): Ende des Clientschlüssels\./);
      assert.equal(await page.locator('.dates .soon').count(), 1);
    });
  });

  await test('what ends soon stands above everything until somebody has seen to it', async () => {
    await onAnotherDay(page, daemon.url, {
      dates: [
        { code: 'client_secret', name: 'smtp.example.com', at: days(-2.5), days_left: -2, reminder: 0, text: 'Ende des Clientschlüssels.' },
        { code: 'token', name: 'Shop <b>', at: days(0.5), days_left: 0, reminder: 1, text: 'Dann läuft ein API-Token ab.' },
        { code: 'certificate', name: 'smtp.example.com', at: days(5.5), days_left: 5, reminder: 7, text: 'So lange gilt das Zertifikat.' },
        { code: 'provider', name: 'Beispiel', at: days(29.5), days_left: 29, reminder: 30, text: 'Die Anmeldung mit Passwort endet.' },
        { code: 'app_password', name: 'smtp.example.com', at: days(-1), days_left: -1, reminder: 0, text: 'Ein Jahr alt.' },
        { code: 'certificate', name: 'other', at: days(300), days_left: 300, reminder: null, text: 'Lange hin.' }],
    }, async () => {
      const ahead = page.locator('.ahead .notice');
      await ahead.first().waitFor();
      const said = (await ahead.allInnerTexts()).map((one) => one.replace(/\s+/g, ' '));
      assert.equal(said.length, 5);
      assert.match(said[0], /\(vorbei\) smtp\.example\.com: Ende des Clientschlüssels\. Zu den Einstellungen$/);
      assert.match(said[1], /\(binnen eines Tages\) Shop <b>: Dann läuft ein API-Token ab\. Zu den Anwendungen$/);
      assert.match(said[2], /\(noch 5 Tage\) smtp\.example\.com: /);
      assert.match(said[3], /\(noch 29 Tage\) Beispiel: /);
      assert.deepEqual(await ahead.evaluateAll((all) => all.map((one) => one.className)), ['notice bad', 'notice bad', 'notice warn', 'notice info', 'notice info']);
      assert.equal(await page.locator('.dates .soon').count(), 5);
      await inspectForms(page, '61-dates-ahead');
    });
  });

  await test('more than the quota is never "9 of 2", and the figures of the provider are taken with one click', async () => {
    await onAnotherDay(page, daemon.url, {
      quota: { per_minute: { limit: 2, used: 9, free_at: days(0.001) }, per_hour: null, per_day: null }, quota_proposal: { preset: 'ionos', name: 'IONOS', is_sourced: true, note: 'für Postfächer, die älter als 30 Tage sind', per_minute: null, per_hour: 100, per_day: 5000, max_connections: 3 },
    }, async () => {
      await untilText(page, '[data-quota=per_minute]', /Aufgebraucht: 9 gesendet, 2 erlaubt/);
      await untilText(page, card('quota'), /IONOS erlaubt nach eigenen Angaben 100 pro Stunde, 5\.000 pro Tag und 3 Verbindungen zugleich \(für Postfächer, die älter als 30 Tage sind\)\./);
      await inspectForms(page, '60-status');
      await page.getByRole('button', { name: 'Als Kontingent übernehmen' }).click();
      await eventually(async () => assert.equal((await callApi(page, 'GET', '/v1/smtp/activity')).status, 200));
      await untilAnnounced(page, /Das Kontingent gilt jetzt/);
    });
    const { active } = await readSmtp(page);
    assert.deepEqual([active.quota, active.max_connections], [{ per_minute: null, per_hour: 100, per_day: 5000 }, 3]);
    await untilText(page, '[data-quota=per_hour]', /\d+ von 100 genutzt/);
  });

  await test('figures the provider does not name are said to be ours', async () => {
    await onAnotherDay(page, daemon.url, {
      quota_proposal: { preset: 'x', name: 'Verein', is_sourced: false, note: 'für kleine Postfächer', per_minute: null, per_hour: 100, per_day: null, max_connections: 1 },
    }, async () => {
      await untilText(page, card('quota'), /Vorschlag von Absender: 100 pro Stunde und 1 Verbindung zugleich \(für kleine Postfächer\)\. Verein nennt keine Grenze\./);
    });
  });

  await test('whoever has begun to type in another field by the time the form is there is not called back to the first one', async () => {
    const [begun, later] = await page.evaluate(async (wait) => {
      const drawn = new Promise((resolve) => {
        new MutationObserver((changes, observer) => {
          const host = document.getElementById('host');
          if (!host) return;
          observer.disconnect();
          host.focus();
          resolve(document.activeElement.id);
        }).observe(document.body, { subtree: true, childList: true });
      });
      document.querySelector('.status .edit[aria-expanded=false]').click();
      const first = await drawn;
      await new Promise((resolve) => { setTimeout(resolve, wait); });
      return [first, document.activeElement.id];
    }, 500);
    assert.deepEqual([begun, later], ['host', 'host']);
    await page.click('.status .edit[aria-expanded=true]');
    await page.click('.status .edit[aria-expanded=false]');
    await untilFocused(page, '#from_email'); // whoever has not begins there
    await page.click('.status .edit[aria-expanded=true]');
  });

  await test('while the sandbox is in force, the page says that nothing is delivered', async () => {
    await untilText(page, '.status-todo', /^Sandbox: E-Mails werden abgefangen, nichts wird zugestellt\.$/);
  });

  await test('a sender that belongs to a person is warned of, once', async () => {
    await onAnotherDay(page, daemon.url, { is_personal_sender: true }, async () => {
      await untilText(page, card('personal'), /gehört einer Person.*noreply@localhost\.test/);
      await inspectForms(page, '60b-personal-sender');
      await page.getByRole('button', { name: 'So lassen' }).click();
      await page.waitForSelector(card('personal'), { state: 'detached' });
      await page.reload();
      await page.waitForSelector('#test-mail-card');
      assert.equal(await page.locator(card('personal')).count(), 0);
      await page.evaluate(() => localStorage.removeItem('absender.personal_sender_kept'));
      await page.reload();
      await page.waitForSelector(card('personal'));
      await page.getByRole('button', { name: 'Absender ändern' }).click();
      await untilFocused(page, '#from_email');
    });
  });
}

// --- The test mail -----------------------------------------------------------------------------------------------------

async function sendTest(page, to) {
  await page.fill('#test_to', to);
  await page.getByRole('button', { name: 'Testmail senden' }).click();
  await page.waitForSelector('.test-progress[data-state=accepted][data-arrived=""]');
}

async function arrival(daemon, browser) {
  const { page, context } = browser;
  const other = await context.newPage();

  await test('a test mail goes from queued to accepted to arrived, by a click in the mail, without signing in', async () => {
    await settings(page, daemon.url);
    await sendTest(page, 'eins@example.net');
    await untilText(page, '.test-progress', /Klicken Sie auf den Link/);
    const stranger = await openBrowser(daemon.url);
    try {
      await stranger.page.goto(await linkFor(page, 'eins@example.net'));
      await stranger.page.waitForSelector('.arrived h1');
      await inspectForms(stranger.page, '61-arrived');
      assert.equal((await readSmtp(page)).last_test.arrived_at, null, 'looking is not answering');
      await stranger.page.getByRole('button', { name: 'Im Posteingang' }).click();
      await stranger.page.waitForSelector('.arrived[data-folder=inbox]');
      await untilText(stranger.page, 'h1', 'Die Testmail ist angekommen');
      await inspectForms(stranger.page, '62-arrived-inbox');
      assert.deepEqual(stranger.complaints, []);
    } finally {
      await stranger.close();
    }
    await page.waitForSelector('.test-progress[data-arrived=inbox]');
    await untilText(page, '.test-progress', /Im Posteingang angekommen/);
    await inspectForms(page, '62a-arrived');
  });

  await test('landed in spam: it says so and leads to the headers; the answer may be changed', async () => {
    await sendTest(page, 'zwei@example.net');
    await untilText(page, '.test-progress', /^Zuletzt gesendet: an zwei@example\.net, .*Link in genau dieser E-Mail/); // which of the two is meant
    await other.goto(await linkFor(page, 'zwei@example.net'));
    await other.getByRole('button', { name: 'Im Spam-Ordner' }).click();
    await other.waitForSelector('.arrived[data-folder=spam]');
    await page.waitForSelector('.test-progress[data-arrived=spam]');
    await inspectForms(page, '62b-in-spam');
    await page.locator('.test-progress').getByRole('button', { name: 'Kopfzeilen auswerten' }).click();
    await untilFocused(page, '#headers_text');
    await other.getByRole('button', { name: 'Im Posteingang' }).click();
    await page.waitForSelector('.test-progress[data-arrived=inbox]');
  });

  await test('a link that belongs to no mail says so', async () => {
    await other.goto(`${daemon.url}/#/arrived/${'A'.repeat(43)}`);
    await other.getByRole('button', { name: 'Im Posteingang' }).click();
    await untilText(other, '.arrived [role=alert]', /keine Testmail/);
    await untilText(other, '.arrived h1', 'Dieser Link gilt nicht (mehr)');
    assert.equal(await other.locator('.arrived button').count(), 0);
    await untilFocused(other, 'h1');
    browser.complaints.splice(0); // Chromium itself reports the 404
  });

  await test('once the settings have changed, the page reminds of a new test', async () => {
    await page.reload();
    await page.waitForSelector('.test-progress[data-arrived=inbox]');
    assert.doesNotMatch(await text(page, '#test-mail-card'), /haben sich die Einstellungen geändert/);
    await openForm(page);
    await page.fill('#from_name', 'Neuer Name');
    await untilRun(page, 'passed');
    await untilText(page, '#test-mail-card', /Seit der letzten Testmail haben sich die Einstellungen geändert/);
    await inspectForms(page, '62c-changed-since');
  });
  await other.close();
}

// --- Earlier settings --------------------------------------------------------------------------------------------------

async function earlier(daemon, browser) {
  const { page } = browser;
  const revision = async () => (await callApi(page, 'GET', '/v1/smtp')).body.revision;

  await test('restoring asks first when a draft would be replaced', async () => {
    await settings(page, daemon.url);
    await callApi(page, 'PATCH', '/v1/smtp/draft', { from_name: 'Angefangen' }, { 'If-Match': `"${await revision()}"` });
    await page.reload();
    await unfold(page, 'history');
    await eventually(async () => assert.ok(await page.locator('[data-version]').count() >= 2));
    await page.locator('[data-version]:not(.active) button').first().click();
    await untilText(page, '.ask', /Der Entwurf wird dabei ersetzt/);
    await inspectForms(page, '66b-restore-asks');
    await page.locator('.ask').getByRole('button', { name: 'Abbrechen' }).click();
    await page.waitForSelector('.ask', { state: 'detached' });
    const { draft } = (await callApi(page, 'DELETE', '/v1/smtp/draft', null, { 'If-Match': `"${await revision()}"` })).body;
    assert.equal(draft, null);
    await page.reload();
  });

  await test('earlier settings are restored, after a check', async () => {
    await settings(page, daemon.url);
    await unfold(page, 'history');
    await eventually(async () => assert.ok(await page.locator('[data-version]').count() >= 2));
    await untilText(page, '[data-version].active', /In Kraft.*von anna@example\.org/);
    const before = (await callApi(page, 'GET', '/v1/smtp')).body.sending_with.from_name;
    assert.equal(before, 'Neuer Name');
    await untilRun(page, 'passed', () => page.locator('[data-version]:not(.active) button').first().click());
    await eventually(async () => assert.equal((await callApi(page, 'GET', '/v1/smtp')).body.sending_with.from_name, null));
    await settings(page, daemon.url);
    if (!(await page.locator('#history[open]').count())) await unfold(page, 'history');
    await eventually(async () => assert.ok(await page.locator('[data-version]').count() >= 2));
    await inspectForms(page, '66-history');
  });
}

/** Settings that were in force, and whose password the provider has changed since. */
async function restoredInVain(daemon, { page }, provider) {
  const inForce = (port) => eventually(async () => {
    const { active } = await readSmtp(page);
    assert.equal(active.port, port);
    return active;
  });
  await test('earlier settings that fail their check change nothing: those in force go on sending, and the page says so', async () => {
    await provider.trustedBy(daemon.data);
    const sender = 'noreply@localhost.test';
    await verifyApart(page, { host: 'localhost', port: Number(provider.port), security: 'implicit', username: sender, from_email: sender, password: PASSWORD });
    await inForce(Number(provider.port));
    const sandbox = await sandboxValues(page);
    await verifyApart(page, sandbox);
    const before = await inForce(sandbox.port);
    provider.state.password = 'changed there meanwhile';

    await settings(page, daemon.url);
    await page.reload();
    await unfold(page, 'history');
    await untilRun(page, 'failed', () => page.locator('[data-version]').filter({ hasText: `localhost:${provider.port}` }).locator('button').first().click());
    await setupState(page, 'failed');
    await untilText(page, '.status-second', 'Neue Einstellungen noch nicht übernommen');
    await untilText(page, '.ladder', /E-Mails gehen weiter über localhost hinaus\./);
    await inspectForms(page, '66c-restored-in-vain');
    const { active, draft } = await readSmtp(page);
    assert.deepEqual([active, draft.port], [before, Number(provider.port)]);
    await untilState(page, await post(page, { to: 'weiter@example.net' }), 'accepted');
    assert.equal(provider.state.mails, 0, 'it went by what is in force');
    await callApi(page, 'DELETE', '/v1/smtp/draft', null, { 'If-Match': '*' });
    await page.reload();
    await setupState(page, 'complete');
  });
}

// --- Outbox, pause, phone ----------------------------------------------------------------------------------------------

async function mended(daemon, browser) {
  const { page } = browser;

  await test('what the outbox shows is in its address, and "back" brings it again', async () => {
    await setSending(page, { enabled: false });
    const id = await post(page, { to: 'd@example.net', class: 'bulk' });
    await page.goto(`${daemon.url}/#/outbox`);
    await page.selectOption('#filter_class', 'bulk');
    await page.fill('#filter_search', 'd@example');
    await page.waitForURL(/#\/outbox\?class=bulk&q=d%40example$/);
    await page.click(`[data-email="${id}"] a`);
    await page.waitForSelector('.explanation[data-code]');
    await page.goBack();
    await page.waitForSelector(`[data-email="${id}"]`);
    assert.deepEqual([await page.inputValue('#filter_class'), await page.inputValue('#filter_search')], ['bulk', 'd@example']);
    await page.click(`[data-email="${id}"] a`);
    await page.click('.back a');
    await page.waitForSelector(`[data-email="${id}"]`);
    assert.equal(await page.inputValue('#filter_class'), 'bulk');
    await page.click('nav a[href="#/outbox"]');
    await eventually(async () => assert.equal(await page.inputValue('#filter_class'), ''));
  });

  await test('the list tells what is held by a pause from what is held by the quota; neither is offered to be retried', async () => {
    await page.waitForSelector('[data-held=paused]');
    await untilText(page, '[data-held=paused]', /Wartet: pausiert/);
    await page.locator('tr:has([data-held=paused]) input').first().check();
    await page.waitForSelector('[data-picked="1"]');
    assert.deepEqual(await page.locator('.bulk button').allTextContents(), ['Senden abbrechen']);
    const { body } = await callApi(page, 'GET', '/v1/smtp');
    await page.route('**/v1/smtp/events*', () => {});
    await page.route('**/v1/smtp', (route) => route.fulfill({ json: { ...body, held_reason: 'quota' } }));
    await page.reload();
    await page.waitForSelector('[data-held=quota]');
    await untilText(page, '[data-held=quota]', /Wartet: Kontingent/);
    await page.unroute('**/v1/smtp');
    await page.unroute('**/v1/smtp/events*');
  });

  await test('what is held stands apart from what waits by itself, in the picture too', async () => {
    await settings(page, daemon.url);
    await untilText(page, '.held-now', /^[1-9]\d* Zurückgehalten$/);
    await untilText(page, '.waiting-now', /^0 Wartend$/);
    assert.equal(await page.locator('svg.activity rect.held').count(), 1);
    assert.equal(await page.$eval('.held-now a', (a) => {
      const word = document.createRange();
      word.selectNode(a.lastChild);
      return word.getClientRects().length;
    }), 1, 'a word of the legend is not broken');
    await page.click('.held-now a');
    await page.waitForURL(/#\/outbox\?state=held$/);
    await page.waitForSelector('[data-held=paused]');
  });

  await test('the preview follows what is ticked, and repeats after a restore that some of it may have been sent', async () => {
    const { body } = await callApi(page, 'GET', '/v1/smtp');
    await post(page, { to: 'e@example.net', class: 'reset' });
    await onRestored(page, daemon.url, body, async () => {
      await page.click('[role=switch]');
      await untilText(page, '.resume', /kann inzwischen schon gesendet worden sein/);
      const [beside, asked] = await page.$$eval('.hero > *', (all) => all.map((one) => one.getBoundingClientRect().height));
      assert.ok(beside < asked / 2, `the card beside the question is no taller than its words: ${beside}, ${asked}`);
      const totals = () => page.$$eval('.counts tfoot td', (cells) => cells.map((cell) => Number(cell.textContent)));
      const before = await eventually(async () => {
        assert.ok((await totals())[0] > 0);
        return (await totals())[0];
      });
      await page.check('[name=cancel_class][value=bulk]');
      await eventually(async () => assert.ok((await totals())[0] < before));
      await untilText(page, '.counts tfoot th', /Gesamt/);
      await untilText(page, '[data-class=bulk] td', '0');
      await inspectForms(page, '67-restored');
    });
  });

  await test('the preview says what may arrive twice and what may expire before the quota lets it through, of what is not dropped, in both languages', async () => {
    const PREVIEW = '**/v1/smtp/sending/preview';
    await page.route(PREVIEW, async (route) => {
      const response = await route.fetch();
      const real = await response.json();
      const counts = (some) => ({ ...Object.fromEntries(Object.keys(real.send).map((name) => [name, 0])), ...some });
      await route.fulfill({ response, json: { ...real, uncertain: counts({ bulk: 1, total: 1 }), may_expire: counts({ reset: 2, bulk: 1, total: 3 }) } });
    });
    const urgent = (words) => eventually(async () =>
      assert.deepEqual((await page.locator('.resume > .urgent').allTextContents()).map((one) => one.replace(/\s+/g, ' ')), words));
    await settings(page, daemon.url);
    await page.click('[role=switch]');
    await urgent(['Eine davon hat der Anbieter vielleicht schon angenommen: Sie kann doppelt ankommen.', 'Bei 3 davon läuft die Frist vielleicht ab, bevor das Kontingent sie durchlässt.']);
    await inspectForms(page, '67b-preview-warns');
    await speak(page, 'en');
    await urgent(['The provider may already have taken one of them: it may arrive twice.', '3 of them may reach their expiry before the quota lets them through.']);
    await speak(page, 'de');
    await page.check('[name=cancel_class][value=bulk]');
    await urgent(['Bei 2 davon läuft die Frist vielleicht ab, bevor das Kontingent sie durchlässt.']);
    await page.locator('.resume').getByRole('button', { name: 'Abbrechen' }).click();
    await page.unroute(PREVIEW);
  });

  await test('on a phone a banner takes 90 pixels at most, and tells the rest when asked', async () => {
    await setSending(page, { enabled: true });
    await setSending(page, { enabled: false, reason: 'Umzug auf einen anderen Server, der noch eingerichtet wird' });
    await page.setViewportSize({ width: 390, height: 800 });
    await page.goto(`${daemon.url}/#/outbox`);
    await untilText(page, '.banner.warn', /Umzug/); // not the banner of the pause before
    const height = () => page.$eval('.banner', (banner) => banner.getBoundingClientRect().height);
    assert.ok(await height() <= 90, `${await height()}`);
    await inspect(page, 'de-68-phone-outbox');
    await page.locator('.banner').getByRole('button', { name: 'Mehr' }).click();
    await page.waitForSelector('.banner.open .more');
    assert.ok(await page.isVisible('.banner .more'));
    await settings(page, daemon.url);
    await page.waitForSelector('#test-mail-card');
    assert.equal(await page.locator('#domain-card').count(), 0, 'the sandbox has no domain to look after');
    await untilText(page, '.status-todo', 'Alles geprüft. Der Mailversand ist pausiert.'); // on purpose: nobody is told to switch it on
    await page.setViewportSize({ width: 1280, height: 900 });
    await inspectForms(page, '69-paused');
  });
}

/** The settings page as after a restore: sending paused for that reason. */
async function onRestored(page, url, real, body) {
  await page.route('**/v1/smtp/events*', () => {});
  await page.route('**/v1/smtp', (route) => route.fulfill({ json: { ...real, sending: { ...real.sending, enabled: false, reason: 'restored' } } }));
  await settings(page, url);
  await page.reload();
  await page.waitForSelector('[role=switch]');
  await body();
  await page.unroute('**/v1/smtp');
  await page.unroute('**/v1/smtp/events*');
  await page.reload();
}

export async function cards() {
  await size();
  const provider = await startProvider(PASSWORD);
  const daemon = await startDaemon([provider.port]);
  const browser = await openBrowser(daemon.url);
  try {
    await createAdmin(browser.page, daemon.setupLink);
    await beginning(daemon, browser);
    await verifySandbox(browser.page);
    await setupState(browser.page, 'complete');
    console.log(`# one visit, from the empty page over the form and the check to the state: ${await bytesOf(browser.page)} bytes`);
    await test('of the sandbox nobody says that a provider might mind the sender', async () => {
      await browser.page.waitForSelector('.ladder[data-run=passed]');
      assert.equal(await browser.page.locator('.other-sender').count(), 0);
    });
    await speed(daemon, browser);
    await check(browser);
    for (const each of [status, arrival, earlier, restoredInVain, mended]) await each(daemon, browser, provider);
    await test('cards: nothing was said on the console, and no other host was asked', () => assert.deepEqual(browser.complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
    provider.close();
  }
}
