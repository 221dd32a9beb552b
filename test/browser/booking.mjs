// The example application as a new user tries it, in one language: a fresh instance, the sandbox, a token made on the page, and with it
// examples/booking: a room is booked and its confirmation opened, a password asked for by mail, chosen, and used.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, inspect, openBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { callApi, forgive, setSending, setUpSandbox, text, untilText } from './steps.mjs';
import { chain } from './tap.mjs';

const PROGRAM = new URL('../../examples/booking/booking.py', import.meta.url).pathname;
const GUEST = { name: 'Gerda <Gast>', email: 'gerda@example.net', password: 'mit dem Boot hinaus' };
const DAY_MS = 24 * 3600 * 1000;
const at = new Date(Date.now() + 40 * DAY_MS);
const DAY = at.toISOString().slice(0, 10);
const YESTERDAY = new Date(Date.now() - 2 * DAY_MS).toISOString().slice(0, 10); // wherever the program's clock stands
const spoken = (language, options) => at.toLocaleDateString(language === 'de' ? 'de-DE' : 'en-GB', { timeZone: 'UTC', ...options });

const WORDS = {
  de: {
    taken: 'Gebucht. Die Bestätigung kommt per E-Mail.', day_taken: /schon vergeben/, over: /Tag ist vorbei/, asked: /^Wenn mit dieser Adresse gebucht wurde/,
    home: 'Bootshaus am See', booked: 'Gebucht', done: 'Ihr neues Passwort gilt ab sofort.', gone: /gilt nicht mehr/, wrong: /stimmt nicht/, accepted: 'Angenommen', secret: '(Vertraulich: Betreff wird nicht gezeigt)',
    confirmation: /^Ihre Buchung bei .*Bootshaus, großer Raum/, reset: 'Neues Passwort für Ihre Buchungen',
  },
  en: {
    taken: 'Booked. The confirmation comes by mail.', day_taken: /taken on that day/, over: /day is over/, asked: /^If somebody has booked with this address/,
    home: 'The boathouse', booked: 'Booked', done: 'Your new password works from now on.', gone: /works no longer/, wrong: /is wrong/, accepted: 'Accepted', secret: '(Confidential: subject not shown)',
    confirmation: /^Your booking at .*Boathouse, large room/, reset: 'A new password for your bookings',
  },
};

/** The program as its README starts it: { url, mails, stop() }; mails: where its operator sees what became of them. */
async function startBooking(url, token) {
  const folder = await mkdtemp(join(tmpdir(), 'absender-booking-'));
  const child = spawn('python3', [PROGRAM, '--port', '0', '--data', join(folder, 'booking.db')],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ABSENDER_URL: url, ABSENDER_TOKEN: token } });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  const [, at, mails] = await new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
      const found = /Booking: (\S+)\n.*?(http\S+)\n/.exec(said);
      if (found) resolve(found);
    });
    child.once('error', reject);
    ended.then((status) => reject(new Error(`booking.py ended with ${status}: ${said}`)));
  });
  return {
    url: at,
    mails,
    stop: async () => {
      child.kill();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The states of the mails on the operator's page, newest first, once they are these. */
const untilStates = (guest, url, wanted) => eventually(async () => {
  await guest.goto(url);
  assert.deepEqual(await guest.$$eval('#mails tr td:nth-child(3)', (cells) => cells.map((cell) => cell.textContent)), wanted);
});

/** Opens the newest captured mail with this subject on its page of the sandbox. */
async function openMail(page, url, subject) {
  const id = await eventually(async () => {
    const { data } = (await callApi(page, 'GET', '/v1/sandbox/messages')).body;
    const found = data.find((one) => (subject instanceof RegExp ? subject.test(one.subject) : one.subject === subject));
    assert.ok(found, `${subject} in ${data.map((one) => one.subject).join(' | ')}`);
    return found.id;
  });
  await page.goto(`${url}/#/sandbox/${id}`);
  await page.waitForSelector('.mail-title');
}

/** A page of the program on a screen and on a phone, light and dark. */
async function look(guest, language, name) {
  await inspect(guest, `${language}-${name}`);
  await guest.setViewportSize({ width: 360, height: 740 });
  await inspect(guest, `${language}-${name}-phone`);
  await guest.setViewportSize({ width: 1280, height: 900 });
}

async function makeToken(page, url) {
  await page.goto(`${url}/#/applications`);
  await page.locator('.empty button, .page-head button').first().click();
  await page.fill('#name', 'Boathouse');
  for (const scope of ['emails:send', 'emails:read']) await page.check(`[name=scopes][value="${scope}"]`);
  await page.press('#name', 'Enter');
  return page.textContent('#token-secret');
}

async function book(step, { daemon, page, guest, booking, words, language }) {
  await step('a room is booked, and the operator sees its confirmation accepted', async () => {
    await guest.goto(booking.url);
    await untilText(guest, 'h1', words.home);
    await look(guest, language, '80-booking');
    await guest.fill('#book [name=guest]', GUEST.name);
    await guest.fill('#book [name=email]', GUEST.email);
    await guest.fill('#book [name=date]', DAY);
    await guest.click('#book button');
    await untilText(guest, '#message', words.taken);
    await look(guest, language, '80-booking-taken');
    await untilStates(guest, booking.mails, [words.accepted]);
    await look(guest, language, '80-booking-mails');
  });

  await step('the operator sees which application handed it over', async () => {
    await page.goto(`${daemon.url}/#/outbox`);
    await page.locator('[data-email] a').first().click();
    await page.waitForSelector('.timeline li');
    assert.ok((await text(page, '[aria-labelledby=facts-title]')).includes('Boathouse'));
  });

  await step('the confirmation is in the guest\'s language, and its link leads to the booking', async () => {
    await openMail(page, daemon.url, words.confirmation);
    const written = spoken(language, { day: 'numeric', month: 'long', year: 'numeric' });
    await eventually(async () => assert.ok((await text(page, '.mail-title')).endsWith(written), await text(page, '.mail-title')));
    const link = await page.locator('.link-list a[href*="/bookings/"]').first().getAttribute('href');
    assert.ok(link.startsWith(booking.url));
    await guest.goto(link);
    await untilText(guest, 'h2', words.booked);
    assert.ok((await text(guest, '#bookings')).includes(GUEST.name));
    assert.ok((await text(guest, '#bookings')).includes(link.split('/').at(-1)));
    const day = spoken(language, { day: 'numeric', month: 'long', year: 'numeric' });
    assert.ok((await text(guest, '#bookings')).includes(day), day); // as a person writes it
    await look(guest, language, '81-booked');
  });
}

async function refused(step, { guest, booking, words }) {
  await step('a day that is taken, and one that is over, are not booked', async () => {
    for (const [day, said] of [[DAY, words.day_taken], [YESTERDAY, words.over]]) {
      await guest.goto(booking.url);
      await guest.fill('#book [name=guest]', 'Otto');
      await guest.fill('#book [name=email]', 'otto@example.net');
      await guest.fill('#book [name=date]', day);
      await guest.evaluate(() => { document.getElementById('book').noValidate = true; });
      await guest.click('#book button');
      await untilText(guest, '#message', said);
    }
    await untilStates(guest, booking.mails, [words.accepted]); // no confirmation follows
  });
}

async function reset(step, { daemon, page, guest, booking, words, language }) {
  let link = '';
  await step('a password is asked for: by mail to whom we know, and nothing goes to a stranger', async () => {
    for (const email of ['fremd@example.net', GUEST.email]) {
      await guest.goto(booking.url);
      await guest.fill('#forgotten [name=email]', email);
      await guest.click('#forgotten button');
      await untilText(guest, '#message', words.asked); // the same for both
    }
    await untilStates(guest, booking.mails, [words.accepted, words.accepted]);
    await openMail(page, daemon.url, words.reset);
    link = await page.locator('.link-list a[href*="/reset/"]').getAttribute('href'); // of a plain text, too
    assert.ok((await text(page, '.mail-text')).includes(link));
    assert.ok(link.startsWith(booking.url));
  });

  await step('its link sets the password, once', async () => {
    await guest.goto(link);
    await look(guest, language, '82-booking-reset');
    await guest.reload(); // opening uses nothing up
    await guest.fill('#reset [name=password]', GUEST.password);
    await guest.press('#reset [name=password]', 'Enter');
    await untilText(guest, '#message', words.done);
    await look(guest, language, '83-booking-reset-done');
    await guest.goto(link);
    await untilText(guest, '#message', words.gone);
  });

  await step('and shows the guest her bookings, as no other password does', async () => {
    for (const [password, selector, said] of [['a stranger has guessed', '#message', words.wrong], [GUEST.password, '#bookings', new RegExp(GUEST.name)]]) {
      await guest.goto(booking.url);
      await guest.fill('#yours [name=email]', GUEST.email);
      await guest.fill('#yours [name=password]', password);
      await guest.click('#yours button');
      await untilText(guest, selector, said);
    }
  });

  await step('our own page lists both mails accepted, and of the reset neither subject nor link', async () => {
    await page.goto(`${daemon.url}/#/outbox`);
    await eventually(async () => {
      const rows = await page.$$eval('[data-email]', (all) => all.map((one) => ['.cell-state', '.cell-to', '.cell-main'].map((cell) => one.querySelector(cell).textContent.trim())));
      const [[state, to, subject], [, , confirmed]] = rows;
      assert.deepEqual([rows.length, state, to, subject], [2, words.accepted, GUEST.email, words.secret]);
      assert.match(confirmed, words.confirmation);
    });
    const everything = JSON.stringify((await callApi(page, 'GET', '/v1/emails')).body) + await page.content();
    assert.ok(!everything.includes(link.split('/').at(-1)));
  });
}

export async function booking(language) {
  const daemon = await startDaemon();
  const browser = await openBrowser(daemon.url, { language });
  const { page } = browser;
  const step = chain(`booking, ${language}: `);
  let example = null;
  try {
    let token = '';
    await step('a fresh instance gets the sandbox and an application its token', async () => {
      await setUpSandbox(page, daemon.setupLink);
      await setSending(page, { enabled: true });
      token = await makeToken(page, daemon.url);
      example = await startBooking(daemon.url, token);
    });
    if (!example) return;
    const visitor = await openBrowser(example.url, { language });
    try {
      const world = { daemon, page, guest: visitor.page, booking: example, words: WORDS[language], language };
      for (const part of [book, refused, reset]) await part(step, world);
      forgive(visitor.complaints, 400, 403, 404, 409);
      await step('nothing else was said on the console, and no other host was asked', () => assert.deepEqual([browser.complaints, visitor.complaints], [[], []]));
    } finally {
      await visitor.close();
    }
  } finally {
    await example?.stop();
    await browser.close();
    await daemon.stop();
  }
}
