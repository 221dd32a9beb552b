// Debian's Chromium under Playwright, with what every page here must stand: no word on the console, no foreign request.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGUMENTS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const SLOWER = Number(process.env.BROWSER_SLOWER ?? 1); // pages run at that fraction of their speed; patience grows with it
const PATIENCE_MS = 45000 * SLOWER; // a run may take as long (LIMIT_VERIFICATION_MS); only what fails waits this long
const PICTURES = new URL('../../build/screenshots/', import.meta.url).pathname;
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const ADMIN = { name: 'Anna Beispiel', email: 'anna@example.org', password: 'ein langes Kennwort mit Sinn' };

/** One browser with a profile of its own: { page, complaints, close() }. others: origins it may go to besides, whose certificate it does not know. */
export async function openBrowser(origin, { language = 'de', width = 1280, height = 900, others = [] } = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'absender-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGUMENTS, chromiumSandbox: false,
    locale: language === 'de' ? 'de-DE' : 'en-US', viewport: { width, height }, colorScheme: 'light', timezoneId: 'Europe/Berlin', ignoreHTTPSErrors: others.length > 0,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = context.pages()[0] ?? await context.newPage();
  if (SLOWER > 1) await (await context.newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  const complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  context.on('request', (request) => {
    const url = new URL(request.url());
    const isTheirs = others.some((other) => request.headers().referer?.startsWith(`${other}/`)); // what the page of another asks for is not ours
    if (!['data:', 'blob:', 'about:'].includes(url.protocol) && ![origin, ...others].includes(url.origin) && !isTheirs) complaints.push(`foreign request: ${url}`);
  });
  return {
    context, page, complaints,
    close: async () => {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

async function violations(page) {
  if (!(await page.evaluate('typeof axe === "object"'))) await page.evaluate(axeSource);
  return page.evaluate(`axe.run(document, { iframes: false }).then(({ violations }) => violations.map((one) =>
    one.id + ': ' + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 140)).join(' | ')))`);
}

/** The page as it stands: axe-core finds nothing in light or dark, nothing is cut off sideways; pictures of both. */
export async function inspect(page, name) {
  await mkdir(PICTURES, { recursive: true });
  await page.evaluate('scrollTo(0, 0)');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    assert.deepEqual(await violations(page), [], `axe-core, ${name}, ${colorScheme}`);
    await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${name} does not scroll sideways`);
}

/** The same page, which speaks German and is wide, on a phone and in English: pictures of both. The language is the reader's, so it comes back. */
export async function inspectElsewhere(page, name) {
  const speak = async (language) => {
    await page.click(`.preferences [lang=${language}]`);
    await page.waitForSelector(`html[lang=${language}]`);
  };
  await page.setViewportSize({ width: 390, height: 800 });
  await inspect(page, `de-${name}-phone`);
  await page.setViewportSize({ width: 1280, height: 900 });
  await speak('en');
  await inspect(page, `en-${name}`);
  await speak('de');
}

// --- Steps that several suites take ------------------------------------------------------------------------------------

/**
 * Tries a statement until it holds. For everything that comes of something else (an answer, an event, an effect): the page need
 * not be through with it when the first sign of it shows. (waitForFunction takes an unsettled promise for a yes.)
 */
export async function eventually(check) {
  for (const last = Date.now() + PATIENCE_MS; ;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > last) throw error;
    }
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

export const setupState = (page, state) => page.waitForSelector(`[data-setup=${state}]`);

/** Waits until a field holds this value. */
export const untilValue = (page, id, value) => eventually(async () => assert.equal(await page.inputValue(`#${id}`), value));

/** Waits until the service itself has a draft like this. */
export const untilDraft = (page, fits) => eventually(async () => {
  const { draft } = await page.evaluate(async () => (await fetch('/v1/smtp')).json());
  assert.ok(draft && fits(draft), `the draft stayed ${JSON.stringify(draft)}`);
});

/** Does what starts a run, and waits until that run (not the one before) is shown with this outcome. */
export async function untilRun(page, outcome, start) {
  const shown = await page.evaluate(() => document.querySelector('[data-run]')?.dataset.runId ?? '');
  await start();
  await page.waitForSelector(`[data-run=${outcome}]:not([data-run-id="${shown}"])`);
}

export async function createAdmin(page, setupLink) {
  await page.goto(setupLink);
  await page.fill('#name', ADMIN.name);
  await page.fill('#email', ADMIN.email);
  await page.fill('#password', ADMIN.password);
  await page.click('button[type=submit]');
  await page.waitForSelector('[data-setup]');
}

/** The whole form: unfolded while something is in force, and on an empty page opened without looking anything up. */
export async function openForm(page) {
  await page.waitForSelector('[data-setup]');
  const folded = page.locator('.status .edit[aria-expanded=false]');
  if (await folded.count()) await folded.click();
  const byHand = page.locator('.settings .start-rest > p > button');
  if (await byHand.count()) await byHand.click();
  await page.waitForSelector('#host');
}

/** The tile of a provider, wherever the page has it. */
export async function chooseTile(page, preset) {
  const folded = page.locator('.status .edit[aria-expanded=false]');
  if (await folded.count()) await folded.click();
  await page.waitForSelector('.settings');
  const providers = page.locator('.providers:not([open]) > summary');
  if (await providers.count()) await providers.click();
  await page.click(`[data-preset=${preset}]`);
}

/** Tile, then the one button; the run that comes of it. */
export async function verifySandbox(page, outcome = 'passed', password = null) {
  await chooseTile(page, 'sandbox');
  await page.waitForFunction(() => document.getElementById('host')?.value);
  if (password !== null) await page.fill('#password', password);
  await untilRun(page, outcome, () => page.click('.settings button[type=submit]'));
}

/** A request as the page itself would make it, with its session and CSRF value. */
export const callApi = (page, method, path, body, headers = {}) => page.evaluate(async ([verb, where, content, more]) => {
  const session = await (await fetch('/v1/session')).json();
  const answer = await fetch(where, {
    method: verb, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': session.csrf_token, ...more },
    body: content ? JSON.stringify(content) : undefined,
  });
  return { status: answer.status, body: await answer.json() };
}, [method, path, body ?? null, headers]);
