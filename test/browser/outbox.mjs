// What waits and why: resuming after a look at it, a pause with an end, the outbox and its emails, the quota, and a refused login.
import assert from 'node:assert/strict';
import { eventually, inspect, inspectForms, openBrowser, speak } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { startProvider } from './provider.mjs';
import {
  callApi, createAdmin, forgive, openForm, post, radio, readSmtp, setSending, settings, setUpSandbox, setupState, stateOf, text, untilAnnounced, untilFocused, untilRun, untilState,
  untilText,
} from './steps.mjs';
import { test } from './tap.mjs';

const PASSWORD = 'Sommer 2026';
const soon = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();

/** The value of a field for day and time, that many minutes from now in the browser's time. */
const fieldIn = (page, minutes) => page.evaluate((ms) => {
  const at = new Date(Date.now() + ms);
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}, minutes * 60000);

const email = async (page, url, id) => {
  await page.goto(`${url}/#/outbox/${id}`);
  await page.waitForSelector('.explanation[data-code]');
};

async function resuming(daemon, browser) {
  const { page } = browser;

  await test('switching on shows first what would go out, by class, and what is chosen there never goes out', async () => {
    const kept = await post(page, { to: 'kundin@example.net', class: 'reset' });
    const bulk = [await post(page, { to: 'a@example.net', class: 'bulk' }), await post(page, { to: 'b@example.net', class: 'bulk' })];
    const later = await post(page, { to: 'c@example.net', scheduled_at: soon(7200) });
    await settings(page, daemon.url);
    await page.click('[role=switch]');
    await page.waitForSelector('.resume');
    const counts = () => page.$$eval('.counts tbody tr', (rows) => rows.map((row) => [row.dataset.class, ...[...row.querySelectorAll('td')].map((td) => td.textContent)]));
    await eventually(async () => assert.deepEqual(await counts(), [['reset', '1', '0', '0'], ['transactional', '0', '1', '0'], ['bulk', '2', '0', '0']]));
    await untilText(page, '.resume', /Die älteste E-Mail wartet seit: heute, \d\d:\d\d\./);
    await untilFocused(page, '#resume-title');
    assert.equal(await page.getAttribute('[role=switch]', 'aria-checked'), 'false', 'nothing has happened yet');
    await page.focus('.picks input[value=bulk]');
    await page.keyboard.press('Space');
    await untilText(page, '.picks', /Die E-Mails an 2 Empfänger werden verworfen und nie gesendet: Massenmail\./);
    await inspectForms(page, '40-resume');
    await page.getByRole('button', { name: '2 verwerfen und einschalten' }).click();
    await page.waitForSelector('[role=switch][aria-checked=true]');
    await untilAnnounced(page, /Die E-Mails an 2 Empfänger wurden verworfen\./);
    for (const id of bulk) await untilState(page, id, 'cancelled');
    await untilState(page, kept, 'accepted');
    assert.equal(await stateOf(page, later), 'scheduled');
    await callApi(page, 'POST', `/v1/emails/${later}/cancel`);
  });

  await test('a pause takes a reason and an end, and every page says who, why and until when', async () => {
    await page.click('[role=switch]');
    await page.fill('#pause_reason', 'Umzug des Servers');
    await page.fill('#pause_until', await fieldIn(page, -60));
    await page.locator('.ask button[type=submit]').click();
    await page.waitForSelector('#pause_until[aria-invalid=true]');
    await untilText(page, '#pause_until-fault', /in der Zukunft/);
    await page.fill('#pause_until', await fieldIn(page, 24 * 60));
    await inspectForms(page, '41-pause');
    await page.locator('.ask button[type=submit]').click();
    await page.waitForSelector('[role=switch][aria-checked=false]');
    const { sending } = (await callApi(page, 'GET', '/v1/smtp')).body;
    assert.ok(Math.abs(new Date(sending.until) - Date.now() - 24 * 3600000) < 120000, `the end is a day ahead: ${sending.until}`);
    const words = /Geändert von anna@example\.org: heute, \d\d:\d\d\. Grund: Umzug des Servers\. Pausiert bis morgen, \d\d:\d\d\./;
    await untilText(page, '.paused-by', words);
    await page.goto(`${daemon.url}/#/outbox`);
    await untilText(page, '.banner', words);
  });

  await test('with nothing waiting there is nothing to look at: the switch switches', async () => {
    await settings(page, daemon.url);
    await page.click('[role=switch]');
    await page.waitForSelector('[role=switch][aria-checked=true]');
    assert.equal(await page.locator('.resume').count(), 0);
  });
}

async function emails(daemon, browser) {
  const { page } = browser;
  let unclear = {}; // mails whose attempt ended unclear: id, and once, which is sent at most once

  await test('the outbox filters by class; several at once are cancelled, and what was skipped is said with its reason', async () => {
    await setSending(page, { enabled: false });
    const bulk = [await post(page, { to: 'd@example.net', class: 'bulk' }), await post(page, { to: 'e@example.net', class: 'bulk' })];
    await page.goto(`${daemon.url}/#/outbox`);
    await page.selectOption('#filter_class', 'bulk');
    await page.waitForSelector(`[data-email="${bulk[1]}"]`);
    await eventually(async () => assert.equal(await page.locator('[data-email]').count(), 4)); // two were dropped before
    await page.focus('.bulk input[type=checkbox]');
    await page.keyboard.press('Space');
    await page.waitForSelector('[data-picked="4"]');
    await inspect(page, 'de-42-picked');
    await page.locator('.bulk').getByRole('button', { name: 'Senden abbrechen' }).click();
    await untilText(page, '.ask', /Diese 4 E-Mails endgültig nicht senden\?/);
    assert.equal(await stateOf(page, bulk[0]), 'held', 'asked first');
    await page.locator('.ask').getByRole('button', { name: 'Senden abbrechen' }).click();
    await page.waitForSelector('[data-done="2"][data-skipped="2"]');
    await untilText(page, '.bulk-result', /2 E-Mails werden nicht mehr gesendet\. 2 übersprungen: 2 × schon unterwegs oder erledigt\./);
    for (const id of bulk) assert.equal(await stateOf(page, id), 'cancelled');
    await eventually(async () => assert.equal(await page.locator('[data-email] .badge.plain').count(), 4));
    await inspect(page, 'de-43-bulk-result');
  });

  await test('all that match the filter are reached, on whichever page they stand', async () => {
    for (let i = 0; i < 30; i += 1) await post(page, { to: `n${i}@example.net`, class: 'notification' });
    await page.selectOption('#filter_class', 'notification');
    await eventually(async () => assert.equal(await page.locator('[data-email]').count(), 25));
    await page.check('.bulk input');
    await page.getByRole('button', { name: 'Alle 30 auswählen, die dem Filter entsprechen' }).click();
    await page.waitForSelector('[data-picked="30"]');
    await untilText(page, '.bulk', /30 ausgewählt, auch auf den anderen Seiten/);
    await inspect(page, 'de-43-bulk-whole');
    await page.locator('.bulk').getByRole('button', { name: 'Senden abbrechen' }).click();
    await untilText(page, '.ask', /Alle E-Mails, die dem Filter entsprechen \(30\), endgültig nicht senden\?/);
    await page.locator('.ask').getByRole('button', { name: 'Senden abbrechen' }).click();
    await page.waitForSelector('[data-done="30"][data-skipped="0"]');
    const left = await callApi(page, 'GET', '/v1/emails/count?class=notification&state=held');
    assert.equal(left.body.count, 0);
    await page.selectOption('#filter_class', 'bulk');
    await eventually(async () => assert.equal(await page.locator('[data-email]').count(), 4));
  });

  await test('when it breaks off on the way, what is done is said, and that the rest is not', async () => {
    const asked = [];
    await page.route('**/v1/emails/bulk', (route) => {
      const { after } = route.request().postDataJSON();
      asked.push(after);
      if (!after) return route.fulfill({ json: { object: 'bulk', done: 20, skipped: [{ id: 'em_1', code: 'not_found' }], next: 'em_20' } });
      return route.fulfill({ status: 409, json: { code: 'conflict', title: 'Conflict', detail: 'Zu viel auf einmal.' } });
    });
    await page.selectOption('#filter_class', 'notification');
    await eventually(async () => assert.equal(await page.locator('[data-email]').count(), 25));
    await page.check('.bulk input');
    await page.click('[data-whole="30"]');
    await page.locator('.bulk').getByRole('button', { name: 'Senden abbrechen' }).click();
    await page.locator('.ask').getByRole('button', { name: 'Senden abbrechen' }).click();
    await page.waitForSelector('[data-done="20"][data-skipped="1"]');
    await untilText(page, '.notice.bad[role=alert]', 'Der Rest blieb unbearbeitet: Zu viel auf einmal.');
    assert.deepEqual(asked, [undefined, 'em_20']);
    await inspect(page, 'de-43-bulk-broken-off');
    await page.unroute('**/v1/emails/bulk');
    forgive(browser.complaints, 409);
    await page.selectOption('#filter_class', 'bulk');
    await eventually(async () => assert.equal(await page.locator('[data-email]').count(), 4));
  });

  await test('one row is chosen by itself, and retrying says what could not be retried', async () => {
    await setSending(page, { enabled: true });
    const refused = await post(page, { to: 'reject@example.net', class: 'bulk' });
    await untilState(page, refused, 'rejected');
    await page.waitForSelector(`[data-email="${refused}"] .badge.bad`);
    await page.check(`[data-email="${refused}"] input`);
    await page.waitForSelector('[data-picked="1"]');
    assert.ok(await page.$eval('.bulk input', (box) => box.indeterminate));
    const attempts = async () => (await callApi(page, 'GET', `/v1/emails/${refused}`)).body.recipients[0].attempts;
    const before = await attempts();
    await page.locator('.bulk').getByRole('button', { name: 'Jetzt erneut senden' }).click();
    await page.waitForSelector('[data-done="1"][data-skipped="0"]');
    await eventually(async () => assert.ok(await attempts() > before, 'it was tried again'));
    await untilState(page, refused, 'rejected'); // and is through with it
    await page.check('.bulk input');
    await page.locator('.bulk').getByRole('button', { name: 'Jetzt erneut senden' }).click();
    await page.waitForSelector('[data-skipped="4"]');
    await untilText(page, '.bulk-result', /4 übersprungen: 4 × nichts zu wiederholen\./);
  });

  await test('an email says in one sentence why it waits, what happens next and what would change it, and is retried', async () => {
    const id = await post(page, { to: 'defer@example.net' });
    await untilState(page, id, 'deferred');
    await email(page, daemon.url, id);
    await page.waitForSelector('.explanation[data-code=deferred_refused]');
    await untilText(page, '.next', /Als Nächstes: in \d+ (Sekunden|Minuten?) \(heute|Als Nächstes: in \d+ (Sekunden|Minuten?) \(morgen/);
    assert.ok(await page.locator('.changes li').count() > 0);
    const sentence = await text(page, '.explanation .lead strong');
    const [, clock] = /\((?:heute|morgen), (\d\d:\d\d)\)/.exec(await text(page, '.next'));
    assert.ok(sentence.includes(`um ${clock} Uhr`) && !sentence.includes('UTC'), `in the time of this place: ${sentence}`);
    await inspect(page, 'de-44-deferred');
    const before = (await callApi(page, 'GET', `/v1/emails/${id}`)).body.recipients[0].attempts;
    await page.locator('.actions').getByRole('button', { name: 'Jetzt erneut senden' }).click();
    await untilText(page, '.action-result', /Ein Empfänger ist wieder eingereiht\./);
    await eventually(async () => assert.ok((await callApi(page, 'GET', `/v1/emails/${id}`)).body.recipients[0].attempts > before));
    await eventually(async () => assert.ok(await page.locator('.attempt').count() > before, 'the page shows the new attempt'));
  });

  await test('the sentence follows the language', async () => {
    const german = await text(page, '.explanation .lead strong');
    await speak(page, 'en');
    await eventually(async () => {
      assert.notEqual(await text(page, '.explanation .lead strong'), german);
      await untilText(page, '.explanation', /Next: in \d+/);
    });
    await speak(page, 'de');
  });

  await test('a scheduled email is moved to another time, and then goes out at once', async () => {
    const id = await post(page, { to: 'spaeter@example.net', scheduled_at: soon(3600) });
    await email(page, daemon.url, id);
    await page.getByRole('button', { name: 'Zeit ändern' }).click();
    await page.fill('#new_time', '');
    await page.getByRole('button', { name: 'Zeit übernehmen' }).click();
    await page.waitForSelector('#new_time[aria-invalid=true]');
    await page.fill('#new_time', await fieldIn(page, 26 * 60));
    await inspect(page, 'de-45-new-time');
    await page.getByRole('button', { name: 'Zeit übernehmen' }).click();
    await untilText(page, '.action-result', /Neue Zeit: (morgen|\S+tag), \d\d:\d\d\./);
    const { scheduled_at: at } = (await callApi(page, 'GET', `/v1/emails/${id}`)).body;
    assert.ok(Math.abs(new Date(at) - Date.now() - 26 * 3600000) < 120000, at);
    await untilText(page, '.next', /in (1|2)\d? ?(Tag|Stunden)|morgen|in einem Tag/);
    await page.getByRole('button', { name: 'Zeit ändern' }).click();
    await page.getByRole('button', { name: 'Gleich senden' }).click();
    await untilState(page, id, 'accepted');
    await untilText(page, '.explanation .badge', /Angenommen/);
    await eventually(async () => assert.equal(await page.locator('.actions').count(), 0, 'nothing is left to do'));
  });

  await test('an email offers nothing that the service would refuse: not what is sent at most once, nor what has no content any more', async () => {
    const secret = await post(page, { to: 'reject@example.net', class: 'reset' });
    await untilState(page, secret, 'rejected');
    await email(page, daemon.url, secret);
    await page.waitForSelector('.explanation[data-code=rejected]');
    await eventually(async () => assert.equal(await page.locator('.actions').count(), 0, 'its content is erased'));
    const once = await post(page, { to: 'drop@example.net', subject: 'Einmal', delivery: 'at_most_once' });
    unclear = { once };
    await untilState(page, once, 'uncertain');
    await email(page, daemon.url, once);
    await page.waitForSelector('.explanation[data-code=uncertain_once]');
    await eventually(async () => assert.equal(await page.locator('.actions').count(), 0));
    await settings(page, daemon.url);
    await openForm(page);
    await untilRun(page, 'passed'); // what broke says nothing about what comes
  });

  await test('what may have arrived is retried only after a question, and is marked as perhaps twice', async () => {
    const id = await post(page, { to: 'drop@example.net', subject: 'Unklar' });
    unclear = { ...unclear, id };
    await untilState(page, id, 'uncertain');
    await email(page, daemon.url, id);
    await untilText(page, '.attempt .reply', 'Fehler: EOF'); // no server has said that
    await page.locator('.actions').getByRole('button', { name: 'Jetzt erneut senden' }).click();
    await untilText(page, '.ask', /kommt sie doppelt an/);
    await page.locator('.ask').getByRole('button', { name: 'Jetzt erneut senden' }).click();
    await untilText(page, '.action-result', /Ein Empfänger ist wieder eingereiht\./);
    await page.waitForSelector('.explanation .twice');
    await untilText(page, '.recipient .hint', /^Nächster Versuch (jetzt|in )/); // never "ago"
    await inspect(page, 'de-46-uncertain');
    await page.goto(`${daemon.url}/#/outbox`);
    await page.waitForSelector(`[data-email="${id}"] .twice`);
  });

  await test('cancelling what may have arrived does not claim that it was not sent', async () => {
    await setSending(page, { enabled: false });
    await email(page, daemon.url, unclear.id);
    await page.waitForSelector('.explanation[data-code=uncertain_paused]');
    await eventually(async () => assert.deepEqual(await page.locator('.actions button').allTextContents(), ['Senden abbrechen']));
    await page.locator('.actions').getByRole('button', { name: 'Senden abbrechen' }).click();
    await page.locator('.ask').getByRole('button', { name: 'Senden abbrechen' }).click();
    await untilText(page, '.action-result', /nicht noch einmal gesendet\. Ob sie schon angekommen ist, bleibt unklar\./);
    assert.equal(await stateOf(page, unclear.id), 'uncertain');
    await eventually(async () => assert.deepEqual(await page.locator('.actions button').allTextContents(), ['Jetzt erneut senden']));
  });

  await test('several at once ask the same question before one of them is sent twice', async () => {
    await page.goto(`${daemon.url}/#/outbox`);
    await page.check(`[data-email="${unclear.once}"] input`);
    await page.check(`[data-email="${unclear.id}"] input`);
    await page.locator('.bulk').getByRole('button', { name: 'Jetzt erneut senden' }).click();
    await untilText(page, '.ask', /eine davon schon angenommen\. Dann kommt sie doppelt an\. Trotzdem alle erneut senden\?/);
    assert.equal(await page.locator('.bulk-result').count(), 0, 'asked first');
    await inspect(page, 'de-46-uncertain-bulk');
    await page.locator('.ask').getByRole('button', { name: 'Abbrechen' }).click();
    await page.waitForSelector('.ask', { state: 'detached' });
    await page.locator('.bulk').getByRole('button', { name: 'Jetzt erneut senden' }).click();
    await page.locator('.ask').getByRole('button', { name: 'Jetzt erneut senden' }).click();
    await page.waitForSelector('[data-done="1"][data-skipped="1"]');
    await untilText(page, '.bulk-result', /Eine E-Mail ist wieder eingereiht\. Eine übersprungen: 1 × darf nur einmal gesendet werden\./);
    await callApi(page, 'POST', `/v1/emails/${unclear.id}/cancel`);
  });
}

async function quota(daemon, browser) {
  const { page } = browser;

  await test('a quota set by hand is shown with what is used of it; what exceeds it waits and says until when', async () => {
    await settings(page, daemon.url);
    await untilText(page, '[aria-labelledby=quota-title]', /Keines eingestellt/);
    await openForm(page);
    if (!(await page.$eval('.advanced', (details) => details.open))) await page.click('.advanced summary');
    await page.fill('#per_hour', 'viele');
    await page.focus('#per_day');
    await page.waitForSelector('#per_hour[aria-invalid=true]');
    await page.fill('#per_hour', '200'); // what is mended stays open to the eye
    await page.fill('#per_minute', '2');
    await page.focus('#per_day'); // no destination: it is in force without a check (decision 0018)
    await eventually(async () => assert.equal((await callApi(page, 'GET', '/v1/smtp')).body.quota?.per_minute?.limit, 2));
    await settings(page, daemon.url);
    await page.reload();
    await page.waitForSelector('[data-quota=per_hour]');
    const { quota: set } = (await callApi(page, 'GET', '/v1/smtp')).body;
    assert.deepEqual([set.per_minute.limit, set.per_hour.limit, set.per_day], [2, 200, null]);
    await setSending(page, { enabled: true });
    const ids = [];
    for (let i = 0; i < 12; i += 1) ids.push(await post(page, { to: `viel${i}@example.net`, class: 'bulk' }));
    await page.waitForSelector('[data-quota=per_minute].full');
    await untilText(page, '[data-quota=per_minute]', /Pro Minute ?(\d+ von 2 genutzt|Aufgebraucht: \d+ gesendet, 2 erlaubt) ?Wieder Platz in \d+ (Sekunden|Minuten?) \(/);
    await untilText(page, '[aria-labelledby=quota-title]', /Ausgeschöpft/);
    await speak(page, 'en');
    await untilText(page, '[data-quota=per_minute]', /Per minute ?(\d+ of 2 used|Used up: \d+ sent, 2 allowed) ?Room again in \d+ (seconds|minutes?) \(/);
    await untilText(page, '[aria-labelledby=quota-title]', /Used up: the rest waits, and then goes out by itself\./);
    await speak(page, 'de');
    await inspectForms(page, '47-quota');
    await untilState(page, ids.at(-1), 'held');
    await email(page, daemon.url, ids.at(-1)); // whose turn comes minutes from now
    await page.waitForSelector('.explanation[data-code=held_quota] .next');
    assert.equal(await page.getAttribute('.changes a', 'href'), '#/settings/email/edit');
    await setSending(page, { enabled: false });
    await page.waitForSelector('.explanation[data-code=held_paused]'); // the page heard of it
    await callApi(page, 'POST', '/v1/emails/bulk', { action: 'cancel', ids });
  });
}

async function roomAgain(daemon, browser) {
  const { page } = browser;

  await test('the quota is read again when a window has room, and when somebody comes back to the page', async () => {
    await settings(page, daemon.url);
    const real = await readSmtp(page);
    let reads = 0;
    let full = true;
    await page.route('**/v1/smtp/events*', () => {}); // silent, as the stream is when nothing but time has passed
    await page.route('**/v1/smtp', (route) => {
      reads += 1;
      const hour = { limit: 20, used: full ? 20 : 12, free_at: full ? soon(1) : null };
      return route.fulfill({ json: { ...real, quota: { per_minute: null, per_hour: hour, per_day: null }, held_reason: full ? 'quota' : null } });
    });
    await page.reload();
    await page.waitForSelector('[data-quota=per_hour].full');
    full = false;
    await untilText(page, '[data-quota=per_hour]', /12 von 20 genutzt$/);
    assert.equal(await page.locator('[data-quota=per_hour].full').count(), 0);
    const before = reads;
    await page.evaluate(() => dispatchEvent(new Event('focus')));
    await eventually(async () => assert.ok(reads > before, 'read on focus'));
    await page.unroute('**/v1/smtp');
    await page.unroute('**/v1/smtp/events*');
    await page.reload();
    await setupState(page, 'complete');
  });
}

async function refused(provider, daemon, browser) {
  const { page } = browser;
  const { state } = provider;

  await test('a refused login is named on every page, with the try that is left, and nothing is lost', async () => {
    await createAdmin(page, daemon.setupLink);
    await provider.trustedBy(daemon.data);
    await openForm(page);
    await page.fill('#from_email', 'info@localhost.test');
    await page.fill('#host', 'localhost');
    await page.fill('#port', provider.port);
    await radio(page, 'security_implicit');
    await page.fill('#port', provider.port);
    await page.fill('#password', PASSWORD);
    await untilRun(page, 'passed');
    await setSending(page, { enabled: true });
    state.password = 'anderswo geändert';
    const ids = [await post(page, { to: 'a@example.net' }), await post(page, { to: 'b@example.net' })];
    await page.waitForSelector('.breaker[data-tries="1"]');
    const words = /lehnt die Anmeldung ab.*keine geht verloren\. 2 Empfänger warten\. ?Ein Versuch ist übrig: .* in \d+ Minuten noch einmal von selbst an \((heute|morgen), \d\d:\d\d\).*sperren ein Konto/;
    await untilText(page, '.breaker', words);
    await untilText(page, '#status-title', /^Anmeldung abgelehnt$/);
    await inspectForms(page, '48-breaker');
    for (const hash of ['#/outbox', '#/sandbox', `#/outbox/${ids[0]}`]) {
      await page.goto(`${daemon.url}/${hash}`);
      await untilText(page, '.breaker', words);
    }
    for (const id of ids) await untilState(page, id, 'held');
    await page.waitForSelector('.explanation[data-code=held_credential_fault]');
    await speak(page, 'en');
    await untilText(page, '.breaker', /refuses the login.*none is lost\. 2 recipients are waiting\. ?One try is left: .* once more by itself in \d+ minutes \((today|tomorrow), .*\)\. .*lock an account/);
    await speak(page, 'de');
  });

  await test('the countdown goes on while one looks', async () => {
    const real = await readSmtp(page);
    await page.route('**/v1/smtp/events*', (route) => route.abort());
    let at = null; // less than a minute after it is asked for first
    await page.route('**/v1/smtp', (route) => {
      at ??= soon(59);
      return route.fulfill({ json: { ...real, breaker: { ...real.breaker, next_try_at: at } } });
    });
    await page.reload();
    const seconds = async () => Number(/in (\d+) Sekunden/.exec(await text(page, '.breaker'))?.[1]);
    const first = await eventually(async () => {
      assert.ok(await seconds() > 1);
      return seconds();
    });
    await eventually(async () => assert.ok(await seconds() < first));
  });

  await test('while sending is off, the page says on what the try depends', async () => {
    const real = await readSmtp(page);
    await page.unroute('**/v1/smtp');
    await page.route('**/v1/smtp', (route) => route.fulfill({ json: { ...real, sending: { ...real.sending, enabled: false } } }));
    await page.reload();
    await untilText(page, '.breaker[data-tries="1"]', /Ein Versuch ist übrig: Ist der Mailversand bis dahin wieder eingeschaltet, meldet Absender sich in \d+ Minuten noch einmal von selbst an/);
  });

  await test('when no try is left, the page says so', async () => {
    const real = await readSmtp(page);
    await page.unroute('**/v1/smtp');
    await page.route('**/v1/smtp', (route) => route.fulfill({ json: { ...real, breaker: { ...real.breaker, next_try_at: null, tries_left: 0 } } }));
    await page.reload();
    await untilText(page, '.breaker[data-tries="0"]', /Kein Versuch ist übrig: .* nicht mehr von selbst an/);
    await page.unroute('**/v1/smtp');
    await page.unroute('**/v1/smtp/events*');
    await page.reload();
    await page.waitForSelector('.breaker[data-tries="1"]');
    browser.complaints.splice(0); // Chromium itself reports the stream that was cut
  });

  await test('the button leads to the password; once it is right everything goes out and the banner goes', async () => {
    await page.getByRole('link', { name: 'Zugangsdaten prüfen' }).click();
    await untilFocused(page, '#password');
    await page.evaluate('document.activeElement.blur()');
    await page.getByRole('link', { name: 'Zugangsdaten prüfen' }).click();
    await untilFocused(page, '#password');
    await eventually(async () => assert.ok(await page.$eval('#password', (input) => input.getBoundingClientRect().bottom < innerHeight), 'and it is in sight'));
    const before = state.logins.length;
    await page.keyboard.type('anderswo geändert');
    await untilRun(page, 'passed', () => page.keyboard.press('Enter'));
    await page.waitForSelector('.breaker', { state: 'detached' });
    await eventually(() => assert.equal(state.mails, 2));
    assert.ok(state.logins.slice(before).every(Boolean), 'no refused login more');
  });
}

async function narrow(daemon, browser) {
  const { page } = browser;
  await test('on a phone and in English all of it fits and stands axe', async () => {
    await page.setViewportSize({ width: 390, height: 800 });
    await speak(page, 'en');
    const id = await post(page, { to: 'phone@example.net', scheduled_at: soon(90000) });
    await post(page, { to: 'waits@example.net', class: 'notification' });
    await page.goto(`${daemon.url}/#/outbox`);
    await page.waitForSelector('[data-email]');
    await page.check('.bulk input');
    await inspect(page, 'en-50-phone-outbox');
    await email(page, daemon.url, id);
    await page.getByRole('button', { name: 'Change time' }).click();
    await inspect(page, 'en-51-phone-email');
    await settings(page, daemon.url);
    await page.click('[role=switch]');
    await page.waitForSelector('.resume');
    await inspect(page, 'en-52-phone-resume');
    await page.getByRole('button', { name: 'Switch on now' }).click();
    await page.waitForSelector('[role=switch][aria-checked=true]');
  });
}

async function sandboxSuite() {
  const daemon = await startDaemon();
  const browser = await openBrowser(daemon.url);
  try {
    await setUpSandbox(browser.page, daemon.setupLink);
    for (const part of [resuming, emails, quota, roomAgain, narrow]) await part(daemon, browser);
    await test('outbox: nothing was said on the console, and no other host was asked', () => assert.deepEqual(browser.complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
  }
}

async function providerSuite() {
  const provider = await startProvider(PASSWORD);
  const daemon = await startDaemon([provider.port]);
  const browser = await openBrowser(daemon.url);
  try {
    await refused(provider, daemon, browser);
    await test('refused login: nothing was said on the console, and no other host was asked', () => assert.deepEqual(browser.complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
    provider.close();
  }
}

export async function outbox() {
  await sandboxSuite();
  await providerSuite();
}
