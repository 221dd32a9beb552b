// Debian's Chromium under Playwright, with what every page here must stand: no word on the console, no foreign request.
import assert from 'node:assert/strict';
import { mkdtemp, rm, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGUMENTS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const SLOWER = Number(process.env.BROWSER_SLOWER ?? 1); // pages run at that fraction of their speed; patience grows with it
const PATIENCE_MS = 90000 * SLOWER; // a run may take half as long (LIMIT_VERIFICATION_MS); only what fails waits this long
const PICTURES = new URL('../../build/screenshots/', import.meta.url).pathname;
const TAKES_PICTURES = Boolean(process.env.BROWSER_PICTURES); // for people to look at: the tests need none
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

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

const COLOURS = { runOnly: { type: 'rule', values: ['color-contrast'] } }; // all of axe's rules that can say another thing in the dark

async function violations(page, rules = {}) {
  if (!(await page.evaluate('typeof axe === "object"'))) await page.evaluate(axeSource);
  return page.evaluate(async (options) => (await axe.run(document, { iframes: false, resultTypes: ['violations'], ...options })).violations.map((one) =>
    `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 140)).join(' | ')}`), rules);
}

/** The page as it stands: axe-core finds nothing in light or dark, nothing is cut off sideways; pictures of both if they are wanted. */
export async function inspect(page, name) {
  await page.evaluate('scrollTo(0, 0)');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    assert.deepEqual(await violations(page, colorScheme === 'dark' ? COLOURS : {}), [], `axe-core, ${name}, ${colorScheme}`);
    if (TAKES_PICTURES) await page.screenshot({ path: join(PICTURES, `${name}-${colorScheme}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${name} does not scroll sideways`);
}

/** The same page, which speaks German and is wide, on a phone and in English. The language is the reader's, so it comes back. */
export async function inspectElsewhere(page, name) {
  await page.setViewportSize({ width: 390, height: 800 });
  await inspect(page, `de-${name}-phone`);
  await page.setViewportSize({ width: 1280, height: 900 });
  await speak(page, 'en');
  await inspect(page, `en-${name}`);
  await speak(page, 'de');
}

/** Switches the language of the pages. */
export async function speak(page, language) {
  await page.click(`.preferences [lang=${language}]`);
  await page.waitForSelector(`html[lang=${language}]`);
}

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
