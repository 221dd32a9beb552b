// What goes wrong, and what must hold on the way: missing fields, wrong password, no event stream, keyboard, phone, hostile mail.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { eventually, inspect, inspectForms, openBrowser, speak } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import {
  ADMIN, callApi, createAdmin, discard, forgive, openAnew, openForm, post, radio, readSmtp, rungs, setSending, settings, setupState, submit, text, untilDraft,
  untilFocused, untilRun, untilRung, untilState, untilText, untilValue, verifySandbox,
} from './steps.mjs';
import { test } from './tap.mjs';

const PHASES = JSON.parse(await readFile(new URL('../../ui/i18n/settings.de.json', import.meta.url), 'utf8')); // their names

const HOSTILE = `<h1 style="color:red" onclick="alert(1)">Gr&uuml;&szlig;e</h1><script>alert(2)</script><style>h1{color:blue}</style>
<img src="https://tracker.example/pixel.png" onerror="alert(3)"><a href="https://shop.example/order/1">Bestellung</a>
<form action="https://evil.example/"><input name="x"></form><iframe src="https://evil.example/"></iframe>`;

const faultOf = (page, id) => page.$eval(`#${id}`, (input) => ({
  invalid: input.getAttribute('aria-invalid'),
  border: getComputedStyle(input).borderColor,
  words: (input.getAttribute('aria-describedby') ?? '').split(' ').map((one) => document.getElementById(one)?.textContent ?? '').join(' '),
}));

/** From now on window.heard is what a screen reader has been told. */
const listen = (page) => page.evaluate(() => {
  window.heard = [];
  window.listening?.disconnect();
  window.listening = new MutationObserver(() => window.heard.push(document.querySelector('[role=status]').textContent));
  window.listening.observe(document.querySelector('[role=status]'), { childList: true, characterData: true, subtree: true });
});

const untilFaulty = (page, id) => page.waitForSelector(`#${id}[aria-invalid=true]`);

/** A server that takes connections and never says a word, until it is closed: what waits for it waits as long as a test likes. */
async function startSilentServer() {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket)).resume();
  });
  await new Promise((resolve, reject) => { server.once('error', reject).listen(0, '127.0.0.1', resolve); });
  return {
    port: String(server.address().port),
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Presses Tab until the element is reached; every stop on the way must show where the focus is. */
async function tabTo(page, id) {
  for (let i = 0; i < 60; i += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      if (document.activeElement === document.body) return { id: '', seen: true }; // past the last one, back to the first
      const style = getComputedStyle(document.activeElement);
      const beside = document.activeElement.nextElementSibling ? getComputedStyle(document.activeElement.nextElementSibling) : style;
      return { id: document.activeElement.id, seen: [style, beside].some((one) => one.outlineStyle !== 'none' || one.boxShadow !== 'none') };
    });
    assert.ok(stop.seen, `the focus is visible on #${stop.id}`);
    if (stop.id === id) return;
  }
  assert.fail(`#${id} is not reached by Tab`);
}

async function suite(daemon, browser, silentPort) {
  const { page, complaints } = browser;

  await test('signing in with a wrong password says so and keeps the address', async () => {
    await createAdmin(page, daemon.setupLink);
    await page.locator('.account button').click();
    await page.fill('#email', ADMIN.email);
    await page.fill('#password', 'not the password');
    await page.click('button[type=submit]');
    await page.waitForSelector('.notice.bad');
    await untilValue(page, 'email', ADMIN.email);
    await page.fill('#password', ADMIN.password);
    await page.click('button[type=submit]');
    await setupState(page, 'not_configured');
    forgive(complaints, 401);
    assert.deepEqual(complaints, []);
  });

  await test('a used setup link says that everything is set up', async () => {
    await page.goto(daemon.setupLink);
    await page.waitForSelector('.gate a.button');
    await page.goto(`${daemon.url}/#/settings/email`);
    await setupState(page, 'not_configured');
  });

  await test('missing required fields are framed red, said in words, and the first one has the focus', async () => {
    await submit(page);
    await untilFaulty(page, 'from_email');
    await untilFocused(page, '#from_email');
    await openForm(page);
    const calm = (await faultOf(page, 'username')).border;
    await submit(page);
    for (const [id, word] of [['from_email', 'Absenderadresse'], ['password', 'Passwort'], ['host', 'SMTP-Server']]) {
      await untilFaulty(page, id);
      const { words } = await faultOf(page, id);
      assert.ok(words.includes(word), `${id}: ${words}`);
      await eventually(async () => assert.notEqual((await faultOf(page, id)).border, calm, id)); // it fades in
    }
    assert.equal((await faultOf(page, 'username')).invalid, null);
    await untilFocused(page, '#from_email');
    await inspectForms(page, '20-missing');
  });

  await test('typing removes the fault of a field', async () => {
    await page.fill('#host', 'localhost');
    await page.waitForSelector('#host:not([aria-invalid])');
  });

  await test('a wrong address and a forbidden port are refused at their fields', async () => {
    await page.fill('#from_email', 'keine adresse');
    await page.fill('#password', 'x');
    await page.fill('#port', '25');
    await submit(page);
    await untilFaulty(page, 'from_email');
    await page.fill('#from_email', 'a@localhost.test');
    await submit(page);
    await untilFaulty(page, 'port');
    assert.match((await faultOf(page, 'port')).words, /Verkehr zwischen Mailservern/);
    await untilText(page, '.saved', 'Noch nicht gespeichert: Port prüfen');
    await untilText(page, '.status-todo', /^Eine Angabe stimmt nicht: Port\.$/);
    await page.fill('#port', '26');
    await page.waitForFunction(() => /587 und 465/.test(document.getElementById('port-fault')?.textContent));
    await untilDraft(page, (draft) => draft.from_email === 'a@localhost.test'); // the rest is saved all the same
    forgive(complaints, 422);
  });

  await test('what is typed and not sound is named by the status, and not called missing', async () => {
    await page.fill('#port', 'abc');
    await page.focus('#host');
    await untilFaulty(page, 'port');
    await untilText(page, '.status-todo', /^Eine Angabe stimmt nicht: Port\.$/);
    await page.fill('#host', 'https://smtp .example.org/');
    await page.focus('#port');
    await untilFaulty(page, 'host');
    await untilText(page, '.status-todo', /^2 Angaben stimmen nicht: SMTP-Server und Port\.$/);
    await inspectForms(page, '20b-invalid');
  });

  await test('a pasted address is taken apart, and port and encryption follow each other both ways', async () => {
    await page.fill('#port', '');
    await page.fill('#host', '  https://localhost/ ');
    await page.focus('#username');
    await untilValue(page, 'host', 'localhost');
    await page.fill('#host', 'smtp://localhost:465');
    await page.focus('#username');
    await untilValue(page, 'port', '465');
    await page.waitForSelector('#security_implicit:checked');
    for (const [port, security] of [['587', 'starttls'], ['2465', 'implicit'], ['2525', 'starttls']]) {
      await page.fill('#port', port);
      await page.waitForSelector(`#security_${security}:checked`);
    }
    await radio(page, 'security_implicit');
    await untilValue(page, 'port', '465');
    await radio(page, 'security_starttls');
    await untilValue(page, 'port', '587');
  });

  await test('umlaut domains are shown as they are written, and stored for the wire', async () => {
    await page.fill('#from_email', ' info@müller-bräu.de ');
    await page.fill('#host', 'mail.müller-bräu.de');
    await page.focus('#username');
    await untilValue(page, 'from_email', 'info@müller-bräu.de');
    await untilDraft(page, (draft) => draft.host === 'mail.xn--mller-bru-22a0x.de' && draft.from_email === 'info@xn--mller-bru-22a0x.de');
    await page.reload();
    await setupState(page, 'incomplete');
    await untilValue(page, 'from_email', 'info@müller-bräu.de');
    await untilValue(page, 'host', 'mail.müller-bräu.de');
    await discard(page);
    await page.waitForSelector('.start-row'); // as empty as at first
  });

  await test('what is typed while a draft is being discarded stays', async () => {
    await openForm(page);
    await page.fill('#host', 'verworfen.example');
    await untilDraft(page, (draft) => draft.host === 'verworfen.example');
    let answer = null;
    await page.route('**/v1/smtp/draft', async (route) => {
      if (route.request().method() !== 'DELETE') return route.continue();
      const response = await route.fetch();
      await new Promise((resolve) => { answer = resolve; }); // the event of it comes long before
      return route.fulfill({ response });
    });
    const button = page.getByRole('button', { name: 'Entwurf verwerfen' });
    await button.click();
    await setupState(page, 'not_configured');
    assert.ok(await button.isDisabled(), 'it is not through with it');
    await page.fill('#username', 'danach@localhost');
    await page.click('.advanced summary');
    await page.fill('#probe_recipient', 'danach@example.net');
    await eventually(() => assert.ok(answer));
    answer();
    await untilDraft(page, (draft) => draft.username === 'danach@localhost' && draft.host === null);
    await untilValue(page, 'probe_recipient', 'danach@example.net');
    await untilValue(page, 'host', '');
    await page.unroute('**/v1/smtp/draft');
    await page.fill('#probe_recipient', '');
    await discard(page);
    await setupState(page, 'not_configured');
  });

  await test('a wrong password stops at the login rung and shows diagnosis, fix and a conversation without the password', async () => {
    await verifySandbox(page, 'failed', 'falsches-geheimnis');
    await setupState(page, 'failed');
    const states = Object.fromEntries(await rungs(page));
    assert.deepEqual([states.certificate, states.auth], ['passed', 'failed']);
    assert.notEqual(states.sender, 'passed');
    assert.equal(await page.locator('[data-phase=auth] .rung-detail').count(), 0);
    assert.ok((await page.textContent('.diagnosis .meaning')).trim().length > 10);
    assert.ok((await page.textContent('.diagnosis .fix')).trim().length > 20);
    await untilText(page, '.diagnosis .reply', /535/);
    await untilFocused(page, '#password'); // the fault, wherever the check was started from
    await page.click('.conversation summary');
    const conversation = await page.textContent('.conversation');
    assert.match(conversation, /535/);
    for (const secret of ['falsches-geheimnis', Buffer.from('falsches-geheimnis').toString('base64').slice(0, 20)]) {
      assert.ok(!conversation.includes(secret), 'no secret in the conversation');
    }
    await untilFaulty(page, 'password');
    await page.getByRole('button', { name: 'Passwort neu eingeben' }).click();
    await untilFocused(page, '#password');
    await inspectForms(page, '21-wrong-password');
  });

  await test('while nothing is in force, there is no switch for sending and no test mail', async () => {
    assert.equal(await page.locator('[role=switch], #test_to').count(), 0);
  });

  await test('the keyboard alone corrects the password and verifies', async () => {
    await page.evaluate('document.activeElement.blur()');
    await tabTo(page, 'password');
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('sandbox');
    await untilRun(page, 'passed', () => page.keyboard.press('Enter'));
    await setupState(page, 'complete');
  });

  await test('a run is announced politely: each rung at most once and in their order, and one summary at the end', async () => {
    await listen(page);
    await verifySandbox(page);
    await page.waitForFunction(() => window.heard.includes('Alles bestanden.'));
    const heard = await page.evaluate('window.heard');
    const names = (await rungs(page)).map(([name]) => PHASES[`phase.${name}`]);
    const said = heard.map((one) => names.findIndex((name) => one.startsWith(`${name}:`))).filter((i) => i >= 0); // a rung that took no time may be left out
    assert.deepEqual(said, [...new Set(said)].sort((one, other) => one - other), heard.join(' | '));
    assert.equal(heard.filter((one) => one === 'Alles bestanden.').length, 1, heard.join(' | '));
    assert.ok(heard.indexOf('Alles bestanden.') > heard.findLastIndex((one) => names.some((name) => one.startsWith(`${name}:`))), 'the summary is the end');
  });

  await test('a failing draft leaves what is in force alone: mail goes out meanwhile, and the page says so', async () => {
    await setSending(page, { enabled: true });
    await listen(page);
    await verifySandbox(page, 'failed', 'wieder-falsch');
    await untilText(page, '.ladder', /E-Mails gehen weiter über localhost hinaus\./);
    const meaning = (await page.textContent('.diagnosis .meaning')).trim();
    await eventually(async () => assert.equal((await page.evaluate('window.heard')).filter((one) => one.includes(meaning)).length, 1));
    const id = await post(page, { to: 'kundin@example.net' });
    await untilState(page, id, 'accepted');
    await setupState(page, 'failed'); // still
    assert.equal((await readSmtp(page)).setup, 'failed');
    await inspectForms(page, '21a-failed-beside');
    await setSending(page, { enabled: false });
    await discard(page);
    await setupState(page, 'complete');
  });

  await test('a failing draft while sending is off: the page says that too', async () => {
    await verifySandbox(page, 'failed', 'wieder-falsch');
    await setupState(page, 'failed');
    await untilText(page, '[aria-labelledby=force-title]', /localhost/);
    await untilText(page, '#status-title', 'Einrichtung fehlgeschlagen');
    await untilText(page, '.status-second', 'Neue Einstellungen noch nicht übernommen');
    await untilText(page, '.ladder', /In Kraft bleibt localhost; der Mailversand ist pausiert\./);
    assert.ok(!(await page.textContent('.ladder')).includes('weiter über'));
    await page.fill('#password', 'noch ein anderes');
    await page.waitForSelector('.ladder.changed');
    await inspectForms(page, '21b-outdated');
  });

  await test('the draft can be discarded; the settings in force come back', async () => {
    await page.fill('#from_email', 'anders@localhost.test');
    await discard(page);
    await setupState(page, 'complete');
    await untilValue(page, 'from_email', 'sandbox@localhost.test');
    await untilValue(page, 'password', '');
  });

  await test('with a draft besides what is in force, the page begins with the state and offers to go on', async () => {
    await page.fill('#from_name', 'Entwurf');
    await untilDraft(page, (draft) => draft.from_name === 'Entwurf');
    await page.reload();
    await setupState(page, 'incomplete');
    assert.equal(await page.locator('.settings').count(), 0);
    await inspectForms(page, '21c-draft-beside');
    await page.getByRole('button', { name: 'Entwurf weiter bearbeiten' }).click();
    await untilValue(page, 'from_name', 'Entwurf');
    await untilFocused(page, '#from_email');
    await discard(page);
    await setupState(page, 'complete');
    await page.getByRole('button', { name: 'Schließen' }).click();
    await page.waitForSelector('.settings', { state: 'detached' });
    await openForm(page);
  });

  await test('limits need no check: they are in force as soon as they are typed, and the page says so', async () => {
    await page.click('.advanced:not([open]) > summary');
    for (const [typed, stored] of [['5000', 5000], ['', undefined]]) {
      await page.fill('#per_hour', typed);
      await eventually(async () => {
        const { active, draft } = await readSmtp(page);
        assert.deepEqual([active.quota.per_hour ?? undefined, draft], [stored, null]);
      });
      await untilText(page, '.saved', /^Übernommen um /);
    }
    await setupState(page, 'complete');
  });

  await test('another destination asks for the password again', async () => {
    await page.fill('#host', 'localhost.');
    await page.fill('#username', 'jemand@localhost');
    await submit(page);
    await untilFaulty(page, 'password');
    const { words } = await faultOf(page, 'password');
    assert.match(words, /erneut ein oder verwerfen Sie den Entwurf/);
    assert.equal(words.match(/haben sich geändert/g).length, 1, 'said once');
    await inspectForms(page, '21d-password-again');
    await discard(page);
    await setupState(page, 'complete');
  });

  await test('a refused save on settings in force keeps them, says so and can be taken back', async () => {
    await page.fill('#port', '25');
    await untilFaulty(page, 'port');
    await untilText(page, '.saved', 'Noch nicht gespeichert: Port prüfen');
    assert.equal((await readSmtp(page)).draft, null);
    assert.equal(await page.locator('.field:has(#password) .required').count(), 0, 'a password is stored, and none is required');
    await discard(page);
    await page.waitForSelector('#port:not([aria-invalid])');
    assert.notEqual(await page.inputValue('#port'), '25');
    forgive(complaints, 422);
  });

  await test('a sender the server refuses fails at the sender rung and points at the field', async () => {
    await page.fill('#from_email', 'refused@localhost.test');
    await page.fill('#password', 'sandbox');
    await untilRun(page, 'failed');
    await untilRung(page, 'sender', 'failed');
    await untilFaulty(page, 'from_email');
    await discard(page);
    await setupState(page, 'complete');
  });

  await test('a running check says so, locks the form and can be cancelled', async () => {
    await page.fill('#host', 'localhost');
    await listen(page);
    await page.fill('#port', silentPort); // it runs until it is cancelled, however slow this machine is
    await page.fill('#password', 'sandbox');
    await untilRun(page, 'running');
    await setupState(page, 'verifying');
    await untilRung(page, 'greeting', 'running');
    await eventually(async () => assert.deepEqual((await page.evaluate('window.heard')).filter((one) => one.startsWith(PHASES['phase.greeting'])).length, 1, 'what lasts is named, once'));
    await page.waitForSelector('#host:disabled');
    await untilFocused(page, '#ladder-title');
    await inspectForms(page, '25-running');
    await page.getByRole('button', { name: 'Prüfung abbrechen' }).click();
    await page.waitForSelector('[data-run=cancelled]');
    await inspectForms(page, '25b-cancelled');
    assert.ok(!(await page.textContent('.ladder')).includes('seitdem geändert'));
    await page.waitForSelector('#host:enabled');
    await discard(page);
    await setupState(page, 'complete');
  });

  await test('a probe recipient that the server refuses fails at the last rung', async () => {
    if (!(await page.$eval('.advanced', (details) => details.open))) await page.click('.advanced summary');
    await page.fill('#probe_recipient', 'reject@example.net');
    await untilRun(page, 'failed');
    await untilRung(page, 'recipient', 'failed');
    await untilFaulty(page, 'probe_recipient');
    await inspectForms(page, '25c-probe-refused');
    await page.fill('#probe_recipient', '');
    await discard(page);
    await setupState(page, 'complete');
  });

  await test('without the event stream the ladder still fills in, by polling', async () => {
    await page.route('**/v1/smtp/events*', (route) => route.abort());
    await page.reload();
    await setupState(page, 'complete');
    await verifySandbox(page);
    await setupState(page, 'complete');
  });

  await test('a draft that was changed elsewhere is reloaded below what is being typed', async () => {
    await openForm(page);
    const { status } = await callApi(page, 'PATCH', '/v1/smtp/draft', { from_name: 'Von anderswo' }, { 'If-Match': '*' });
    assert.equal(status, 200);
    await page.fill('#username', 'jemand@localhost');
    await untilValue(page, 'from_name', 'Von anderswo');
    await untilDraft(page, (draft) => draft.from_name === 'Von anderswo' && draft.username === 'jemand@localhost');
    await page.waitForSelector('[data-saved=yes]');
    await discard(page);
    await setupState(page, 'complete');
    await page.unroute('**/v1/smtp/events*');
    complaints.splice(0); // Chromium itself reports the stream that was cut
    await page.reload();
    await setupState(page, 'complete');
  });

  await test('sending is switched off with a reason, and every page says so', async () => {
    await page.click('[role=switch]');
    await page.waitForSelector('[role=switch][aria-checked=true]');
    await page.click('[role=switch]');
    await untilText(page, '.ask', /keine Bestätigungen/);
    await page.fill('#pause_reason', 'Umzug des Servers');
    await page.getByRole('button', { name: 'Mailversand pausieren' }).click();
    await page.waitForSelector('[role=switch][aria-checked=false]');
    await page.waitForFunction(() => document.body.textContent.includes('Umzug des Servers'));
    await setSending(page, { enabled: false, reason: 'Umzug des Servers', until: '2099-11-22T17:00:00Z' });
    await page.waitForFunction(() => /bis 22\.11\.2099, 18:00/.test(document.body.textContent));
    await inspectForms(page, '22b-paused');
    const id = (await callApi(page, 'GET', '/v1/emails?limit=1')).body.data[0].id;
    const mail = (await callApi(page, 'GET', '/v1/sandbox/messages?limit=1')).body.data[0].id;
    for (const [hash, sign] of [['settings/email', '[data-setup]'], ['outbox', '#filter_state'], [`outbox/${id}`, '.timeline'], ['sandbox', '[data-capture]'], [`sandbox/${mail}`, '[role=tabpanel]'],
      ['people', '.page-head'], ['applications', '#snippets-title'], ['webhooks', '.empty'], ['mail-texts', '.page-head'], ['mail-texts/invitation/de', 'iframe.mail'],
      ['organisation', 'iframe.mail'], ['audit', '[data-audit]'], ['account', '.page-head'], ['nirgends', '#main a']]) {
      await openAnew(page, `${daemon.url}/#/${hash}`, sign);
      await untilText(page, '.banner', /keine Bestätigungen/);
    }
    await settings(page, daemon.url);
  });

  await test('what is answered before a page has its first frame is shown all the same', async () => {
    const other = await browser.context.newPage(); // its effects that wait for a frame run when everything has long been answered
    await other.addInitScript(() => {
      window.requestAnimationFrame = () => 0;
      const soon = window.setTimeout.bind(window);
      window.setTimeout = (call, ms = 0, ...rest) => soon(call, ms + 1000, ...rest);
    });
    for (const hash of ['#/outbox', '#/sandbox']) {
      await other.goto('about:blank');
      await other.goto(`${daemon.url}/${hash}`);
      await other.waitForSelector('.banner');
    }
    await other.close();
  });

  await test('mail handed over while sending is off is shown as held and counted', async () => {
    await post(page, { to: 'kunde@example.net', subject: 'Wartet' });
    await page.goto(`${daemon.url}/#/outbox`);
    await page.waitForSelector('[data-email] .badge.warn');
    await page.waitForFunction(() => /Ein Empfänger wartet/.test(document.querySelector('.banner')?.textContent));
    await inspect(page, 'de-22-held');
    await page.click('[data-email] a');
    await page.getByRole('button', { name: 'Senden abbrechen' }).click();
    await untilText(page, '.ask', /endgültig nicht senden/);
    await inspect(page, 'de-26-cancel');
    await page.getByRole('button', { name: 'Nicht abbrechen' }).click();
    await page.getByRole('button', { name: 'Senden abbrechen' }).click();
    await page.locator('.ask').getByRole('button', { name: 'Senden abbrechen' }).click();
    await page.waitForFunction(() => document.querySelector('.explanation .badge')?.textContent.includes('Abgebrochen'));
  });

  await test('a scheduled mail says when it goes out', async () => {
    const at = new Date(Date.now() + 13 * 3600 * 1000).toISOString();
    const { body } = await callApi(page, 'POST', '/v1/emails', { to: 'spaeter@müller-bräu.de', subject: 'Später', text: 'x', scheduled_at: at });
    await page.goto(`${daemon.url}/#/outbox/${body.id}`);
    await page.waitForFunction(() => /Geht in 1[23] Stunden hinaus/.test(document.querySelector('.recipients')?.textContent));
    await untilText(page, '.recipients', /spaeter@müller-bräu\.de/);
    await callApi(page, 'POST', `/v1/emails/${body.id}/cancel`);
  });

  await test('an email that does not exist says so', async () => {
    await page.goto(`${daemon.url}/#/outbox/em_01900000-0000-7000-8000-000000000000`);
    await page.waitForFunction(() => document.querySelector('.notice.bad')?.textContent.includes('Diese E-Mail gibt es nicht (mehr).'));
    forgive(complaints, 404);
  });

  await test('a long subject stays within two lines of a list and three of a heading', async () => {
    const subject = 'Donaudampfschifffahrtsgesellschaft '.repeat(20).trim();
    const { body } = await callApi(page, 'POST', '/v1/emails',
      { to: `${'sehr-lange-adresse-'.repeat(3)}@example.net`, subject, text: 'x', class: 'notification' });
    await page.goto(`${daemon.url}/#/outbox`);
    await page.waitForSelector(`[data-email="${body.id}"]`);
    const lines = (selector) => page.$eval(selector, (node) =>
      node.getBoundingClientRect().height / (parseFloat(getComputedStyle(node).lineHeight) || 1.5 * parseFloat(getComputedStyle(node).fontSize)));
    const row = `[data-email="${body.id}"]`;
    assert.ok(await lines(`${row} .cell-main a`) < 2.3);
    assert.equal(await page.getAttribute(`${row} .cell-main a`, 'title'), subject);
    assert.ok(await page.$eval(`${row} .cell-class`, (td) => td.scrollWidth <= td.clientWidth), 'the class is whole');
    assert.ok(await page.$eval(row, (tr) => tr.clientHeight) < 90);
    await inspect(page, 'de-27-long-subject');
    await page.click(`${row} a`);
    await page.waitForSelector('.mail-title');
    assert.ok(await lines('.mail-title') < 3.3);
  });

  await test('a hostile HTML mail is shown as its reader sees it, without script, form or remote content', async () => {
    await setSending(page, { enabled: true });
    const { body } = await callApi(page, 'POST', '/v1/emails',
      { to: 'opfer@example.net', subject: 'Grüße — 日本', html: HOSTILE, attachments: [{ filename: 'Übersicht.csv', content: 'YTtiCg==' }] });
    await page.goto(`${daemon.url}/#/outbox/${body.id}`);
    await page.waitForFunction(() => document.querySelector('.explanation .badge')?.textContent.includes('Angenommen'));
    await page.goto(`${daemon.url}/#/sandbox`);
    await page.getByRole('link', { name: 'Grüße — 日本' }).click();
    await page.waitForSelector('iframe.mail');
    assert.equal(await page.getAttribute('iframe.mail', 'sandbox'), 'allow-same-origin', 'no scripts, no forms, no ways out');
    const frame = await (await page.$('iframe.mail')).contentFrame();
    await frame.waitForSelector('h1');
    assert.equal(await frame.textContent('h1'), 'Grüße');
    assert.equal(await frame.locator('script, form, input, iframe, body style, [onclick], [onerror], [src], [href^="https://shop"]').count(), 0);
    assert.equal(await frame.$eval('h1', (h1) => getComputedStyle(h1).color), 'rgb(255, 0, 0)', 'its own styles');
    await untilText(page, '[role=tabpanel]', /Ein externes Bild/);
    await untilText(page, '[role=tabpanel]', /Anklickbar stehen sie darunter/);
    assert.match(await page.getAttribute('.facts time', 'datetime'), /^\d{4}-/);
    const link = page.getByRole('link', { name: 'https://shop.example/order/1' });
    assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
    await inspect(page, 'de-23-html-mail');
    await page.getByRole('tab', { name: 'Anhänge (1)' }).click();
    await untilText(page, '[role=tabpanel]', /Übersicht\.csv/);
  });

  await test('tabs follow the arrow keys', async () => {
    await page.focus('#tab-attachments');
    await page.keyboard.press('Home');
    await page.waitForSelector('[role=tabpanel][data-tab=html]');
    await page.keyboard.press('ArrowLeft');
    await page.waitForSelector('[role=tabpanel][data-tab=source]');
  });

  await test('a mail the provider wants later is shown as deferred, with its reason and next attempt', async () => {
    await page.goto(`${daemon.url}/#/settings/email`);
    await page.fill('#test_to', 'defer@example.net');
    await page.getByRole('button', { name: 'Testmail senden' }).click();
    await page.waitForSelector('.test-progress[data-state=deferred]');
    await untilText(page, '.test-progress', /Nächster Versuch um/);
    await inspectForms(page, '29-test-deferred');
  });

  await test('a test mail goes to one address', async () => {
    await page.fill('#test_to', 'eins@example.net, zwei@example.net');
    await page.getByRole('button', { name: 'Testmail senden' }).click();
    await untilFaulty(page, 'test_to');
    assert.match((await faultOf(page, 'test_to')).words, /Bitte nur eine Adresse/);
    assert.ok(!(await page.textContent('[aria-labelledby=test-title]')).includes('solange der Mailversand pausiert ist'), 'it is on');
  });

  await test('an outage is named on every page, and every page recovers from it by itself', async () => {
    await page.goto(`${daemon.url}/#/outbox`);
    await page.waitForSelector('[data-email]');
    await daemon.down();
    await page.selectOption('#filter_state', 'accepted');
    await page.waitForSelector('.notice.bad button');
    await page.waitForSelector('.banner.connection');
    await inspect(page, 'de-28-outage');
    await daemon.up();
    await page.waitForSelector('.banner.connection', { state: 'detached' });
    await page.waitForSelector('.notice.bad', { state: 'detached' });
    await page.waitForSelector('[data-email]');
    await page.selectOption('#filter_state', '');
    complaints.splice(0); // Chromium itself reports every request that failed
    await settings(page, daemon.url);
  });

  await test('the language can be switched at any time and is remembered', async () => {
    await speak(page, 'en');
    await page.waitForSelector('h1:text-is("Email sending")');
    await page.reload();
    await setupState(page, 'complete');
    assert.equal(await page.getAttribute('html', 'lang'), 'en');
    await speak(page, 'de');
  });

  await test('a used setup link leads a signed-in admin to the settings', async () => {
    await page.goto(daemon.setupLink);
    await page.waitForSelector('.gate a.button[href="#/"]');
    await settings(page, daemon.url);
  });

  await test('an unknown address within the pages leads back', async () => {
    await openAnew(page, `${daemon.url}/#/nirgends`, 'main a[href="#/settings/email"]');
    await inspect(page, 'de-24-unknown');
  });

  await test('skip link and headings serve a screen reader', async () => {
    await page.goto(`${daemon.url}/#/outbox`);
    await page.waitForFunction(() => document.activeElement.tagName === 'H1');
    await page.reload();
    await page.waitForSelector('[data-email]');
    await page.keyboard.press('Tab');
    await eventually(async () => assert.equal(await page.evaluate('document.activeElement.className'), 'skip'));
    await page.keyboard.press('Enter');
    await untilFocused(page, '#main');
  });

  await test('on a phone nothing scrolls sideways on any page', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    const email = (await callApi(page, 'GET', '/v1/emails?limit=1')).body.data[0].id;
    const mail = (await callApi(page, 'GET', '/v1/sandbox/messages?limit=1')).body.data[0].id;
    const pages = { settings: ['#/settings/email', '[data-setup]'], outbox: ['#/outbox', '[data-email]'], email: [`#/outbox/${email}`, '.timeline li'],
      sandbox: ['#/sandbox', '[data-capture]'], mail: [`#/sandbox/${mail}`, '[role=tabpanel]'] };
    for (const [name, [hash, sign]] of Object.entries(pages)) {
      await openAnew(page, `${daemon.url}/${hash}`, sign);
      await inspect(page, `de-30-phone-${name}`);
    }
  });

  await test('on a phone the switch for sending stands above the form, and no provider is cut off', async () => {
    await openAnew(page, `${daemon.url}/#/settings/email`, '[data-setup]');
    await openForm(page);
    const top = (selector) => page.$eval(selector, (node) => node.getBoundingClientRect().top);
    assert.ok(await top('[role=switch]') < await top('.settings'));
    await page.click('.providers > summary');
    const cut = await page.$$eval('.tile span, .tile strong', (all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent));
    assert.deepEqual(cut, []);
    await inspect(page, 'de-31-phone-form');
  });

  await test('nothing else was said on the console, and no other host was asked', () => assert.deepEqual(complaints, []));
}

export async function faults() {
  const silent = await startSilentServer();
  const daemon = await startDaemon([silent.port]);
  const browser = await openBrowser(daemon.url);
  try {
    await suite(daemon, browser, silent.port);
  } finally {
    await browser.close();
    await daemon.stop();
    silent.close();
  }
}
