// The system mails as a reader sees them: every one in both languages, on a phone and a desktop, light and dark, with a long name
// and a pale colour; and the plain text beside it.
import assert from 'node:assert/strict';
import { inspect, openBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { callApi, createAdmin } from './steps.mjs';
import { test } from './tap.mjs';

const WIDTHS = { phone: 360, desktop: 1280 };
const LONG = 'Donaudampfschifffahrtsgesellschaftskapitänsmützenverband'.repeat(2);

/** The mail in a page of its own, inside the landmark that a mail program has around it. */
async function show(page, html) {
  await page.setContent(html.replace(/(<body[^>]*>)/, '$1<main>').replace('</body>', '</main></body>'));
}

async function preview(page, request) {
  const { status, body } = await callApi(page, 'POST', '/v1/templates/preview', request);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

/** Whatever the HTML leads to stands in the text as well, and the text is fit to be read alone. */
function judgeText(mail, links) {
  for (const link of links) assert.ok(mail.text.includes(link), `${link} stands in the text`);
  assert.doesNotMatch(mail.text, /<|&\w+;|\{\{|\n\n\n/);
  assert.match(mail.text, /\n-- \n.+\n$/);
  assert.ok(mail.text.split('\n').length > 5);
}

/** How light the grounds are on which text stands, from 0 to 1, and the text itself, as a reader with these settings sees them. */
async function lightness(reader, colorScheme) {
  await reader.emulateMedia({ colorScheme });
  return reader.evaluate(() => {
    const read = (colour) => colour.match(/[\d.]+/g).map(Number);
    const light = ([red, green, blue]) => (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
    const ground = (node) => {
      for (let at = node; at; at = at.parentElement) {
        const colour = read(getComputedStyle(at).backgroundColor);
        if (colour[3] !== 0) return light(colour);
      }
      return 1;
    };
    const texts = [...document.querySelectorAll('h1, h2, p, li, td')].filter((node) => [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim()));
    return texts.map((node) => ({ ground: ground(node), ink: light(read(getComputedStyle(node).color)), words: node.textContent.trim().slice(0, 40) }));
  });
}

/** Light is dark on light, dark is light on dark: the mail has rules of its own for either. */
async function judgeSchemes(reader) {
  const [light, dark] = [await lightness(reader, 'light'), await lightness(reader, 'dark')];
  assert.ok(light.length > 1 && light.length === dark.length);
  assert.deepEqual(light.filter((one) => one.ground < 0.8 || one.ink > 0.5), [], 'by day');
  assert.deepEqual(dark.filter((one) => one.ground > 0.25 || one.ink < 0.4), [], 'by night');
}

/** Labels of one word that stand in more than one line. */
const brokenLabels = (reader) => reader.$$eval('td.soft', (cells) => cells.filter((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return !/\s/.test(cell.textContent.trim()) && new Set([...range.getClientRects()].map(({ top }) => top)).size > 1;
}).map((cell) => cell.textContent));

async function inspectMail(reader, mail, name) {
  await show(reader, mail.html);
  await judgeSchemes(reader);
  judgeText(mail, await reader.$$eval('a', (all) => all.map((a) => a.getAttribute('href'))));
  for (const [kind, width] of Object.entries(WIDTHS)) {
    await reader.setViewportSize({ width, height: 800 });
    assert.deepEqual(await brokenLabels(reader), [], kind);
    await inspect(reader, `mail-${name}-${kind}`);
  }
}

export async function mails() {
  const daemon = await startDaemon();
  const browser = await openBrowser(daemon.url);
  const { page } = browser;
  const reader = await browser.context.newPage();
  try {
    await createAdmin(page, daemon.setupLink);
    const { body: { data } } = await callApi(page, 'GET', '/v1/templates');

    await test('mails: all nine are there in both languages', async () => assert.equal(data.length, 18));

    for (const { name, locale, html } of data) {
      await test(`mails: ${name} (${locale}) reads well on phone and desktop, light and dark, and as plain text`, async () => {
        assert.ok(html.length < 30 * 1024);
        await inspectMail(reader, await preview(page, { name, locale }), `${locale}-${name}`);
      });
    }

    await test('mails: a long name and a pale colour spoil nothing', async () => {
      const variables = { org_name: LONG, colour: '#ffee00', colour_text: '#000000', inviter: LONG };
      await inspectMail(reader, await preview(page, { name: 'invitation', locale: 'de', variables }), 'long');
    });

    await test('mails: what a stranger wrote stays text', async () => {
      const evil = '"><img src=x onerror=alert(1)><script>alert(1)</script>';
      const mail = await preview(page, { name: 'invitation', locale: 'de', variables: { inviter: evil, org_name: evil } });
      await show(reader, mail.html);
      assert.equal(await reader.locator('img, script').count(), 0);
      assert.ok((await reader.textContent('body')).includes(evil));
    });

    await test('mails: the page and the mails say nothing to the console and ask nobody else', async () => {
      assert.deepEqual(browser.complaints, []);
    });
  } finally {
    await browser.close();
    assert.equal(await daemon.stop(), 0, 'the daemon ends well');
  }
}
