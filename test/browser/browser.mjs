// Debian's Chromium under Playwright, with what every page here must stand: no word on the console, no foreign request.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGUMENTS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const SLOWER = Number(process.env.BROWSER_SLOWER ?? 1); // pages run at that fraction of their speed; patience grows with it
const PATIENCE_MS = 90000 * SLOWER; // a run may take half as long (LIMIT_VERIFICATION_MS); only what fails waits this long
const PICTURES = new URL('../../build/screenshots/', import.meta.url).pathname;
const TAKES_PICTURES = Boolean(process.env.BROWSER_PICTURES); // for people to look at: the tests need none
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const startChromium = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGUMENTS, chromiumSandbox: false });

let running = Promise.resolve(null); // one process for all suites that run here, one after the other: to start it costs more than many a suite

function theChromium() {
  running = running.catch(() => null).then((one) => (one?.isConnected() ? one : startChromium()));
  return running;
}

/** Ends it, after the last suite. */
export async function endChromium() {
  await (await running.catch(() => null))?.close();
}

const pending = new WeakMap(); // page → the requests it waits for; a stream never ends

function watch(page) {
  const open = new Set();
  const isStream = (request) => request.url().includes('/events');
  pending.set(page, open);
  page.on('request', (request) => { if (!isStream(request)) open.add(request); });
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (request) => open.delete(request));
}

/** One browser with nothing in it: { context, page, complaints, close() }. others: origins it may go to besides, whose certificate it does not know. */
export async function openBrowser(origin, { language = 'de', width = 1280, height = 900, others = [] } = {}) {
  const context = await (await theChromium()).newContext({
    locale: language === 'de' ? 'de-DE' : 'en-US', viewport: { width, height }, colorScheme: 'light', reducedMotion: 'reduce', // what moves costs time and shows nothing
    timezoneId: 'Europe/Berlin', ignoreHTTPSErrors: others.length > 0,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  if (SLOWER > 1) await (await context.newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  const complaints = [];
  watch(page);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  context.on('request', (request) => {
    const url = new URL(request.url());
    const isTheirs = others.some((other) => request.headers().referer?.startsWith(`${other}/`)); // what the page of another asks for is not ours
    if (!['data:', 'blob:', 'about:'].includes(url.protocol) && ![origin, ...others].includes(url.origin) && !isTheirs) complaints.push(`foreign request: ${url}`);
  });
  return { context, page, complaints, close: () => context.close() };
}

// --- What a page looks like ----------------------------------------------------------------------------------------------

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 800 };
const COLOURS = { runOnly: { type: 'rule', values: ['color-contrast'] } }; // all of axe's rules that can say another thing in the dark, or on a phone
const WORDS = { rules: { 'color-contrast': { enabled: false } } }; // and those that can in another language
const SETTLE_MS = 1000; // so long what is being asked may take before a page is looked at as it is

async function violations(page, rules = {}) {
  if (!(await page.evaluate('typeof axe === "object"'))) await page.evaluate(axeSource);
  return page.evaluate(async (options) => (await axe.run(document, { iframes: false, resultTypes: ['violations'], ...options })).violations.map((one) =>
    `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 140)).join(' | ')}`), rules);
}

/** In the page: the words that leave the screen, their button, or a box that hides what does not fit. What ends in an ellipsis is cut on purpose. */
function cutOff() {
  const FRAMES = 'button, .button, .badge, .tile, td, th'; // whose words belong inside
  const isForEars = (node) => node && (node.matches('.skip') || getComputedStyle(node).clipPath !== 'none' || isForEars(node.parentElement));
  const isOut = (words, box) => words.right > box.right + 1 || words.left < box.left - 1;
  const judge = (words, holder) => {
    for (let box = holder; box && box !== document.documentElement; box = box.parentElement) {
      const style = getComputedStyle(box);
      if (['auto', 'scroll'].includes(style.overflowX) || style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none') return false;
      if ((style.overflowX !== 'visible' || box.matches(FRAMES)) && style.display !== 'inline' && isOut(words, box.getBoundingClientRect())) return true;
    }
    return isOut(words, { left: 0, right: innerWidth });
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT, (node) => (node.data.trim() ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP));
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const holder = node.parentElement;
    if (!holder.checkVisibility({ visibilityProperty: true }) || isForEars(holder)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const words = range.getBoundingClientRect();
    if (words.width > 0 && judge(words, holder)) found.push(`${node.data.trim().slice(0, 60)} <${holder.tagName} ${holder.className}>`);
  }
  return found;
}

/** Nothing is cut off, and nothing has to be scrolled sideways. */
async function fits(page, name) {
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${name} does not scroll sideways`);
  assert.deepEqual(await page.evaluate(cutOff), [], `${name}: nothing is cut off`);
}

const picture = (page, name) => TAKES_PICTURES && page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });

/** axe-core finds nothing by these rules, in these colours. */
async function standsAxe(page, name, colorScheme, rules) {
  await page.emulateMedia({ colorScheme });
  assert.deepEqual(await violations(page, rules), [], `axe-core, ${name}, ${colorScheme}`);
  await picture(page, `${name}-${colorScheme}`);
}

/** The page as it stands: axe-core finds nothing in light or dark, nothing is cut off; pictures of both if they are wanted. */
export async function inspect(page, name) {
  await page.evaluate('scrollTo(0, 0)');
  await standsAxe(page, name, 'dark', COLOURS);
  await standsAxe(page, name, 'light', {});
  await fits(page, name);
}

/** Until the answers that a page asks for have come: a new language asks the service for its words. What hangs on purpose is not waited for. */
async function untilAnswered(page) {
  const started = Date.now();
  while (pending.get(page)?.size && Date.now() < started + SETTLE_MS) await new Promise((resolve) => { setTimeout(resolve, 20); });
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
}

/**
 * The page in its four forms: desktop and phone, in its language and in the other. Nothing is cut off in any of them. axe-core goes over it in
 * full once, over its colours in the dark (on the phone: each width has its colours once, and a language has none), over the rest in the other
 * language. The page comes back as it was, with the focus where it was; name: without language.
 */
export async function inspectForms(page, name) {
  const language = await page.getAttribute('html', 'lang');
  const other = language === 'de' ? 'en' : 'de';
  const focused = await page.evaluateHandle('document.activeElement');
  await page.evaluate('scrollTo(0, 0)');
  await standsAxe(page, `${language}-${name}`, 'light', {});
  await fits(page, `${language}-${name}`);
  if (TAKES_PICTURES) await standsAxe(page, `${language}-${name}`, 'dark', COLOURS);
  await page.setViewportSize(PHONE);
  await standsAxe(page, `${language}-${name}-phone`, 'dark', COLOURS);
  await fits(page, `${language}-${name}-phone`);
  await page.emulateMedia({ colorScheme: 'light' });
  await speak(page, other);
  await untilAnswered(page);
  await standsAxe(page, `${other}-${name}-phone`, 'light', WORDS);
  await fits(page, `${other}-${name}-phone`);
  await page.setViewportSize(DESKTOP);
  await fits(page, `${other}-${name}`);
  await picture(page, `${other}-${name}-light`);
  await speak(page, language);
  await untilAnswered(page);
  await focused.evaluate((element) => element.focus?.());
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
