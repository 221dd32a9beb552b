// What an administrator sets up beside the settings: applications, webhooks, mail texts, the organisation; and the audit log of all that.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, inspect, openBrowser, speak } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { isSigned, startReceiver } from './receiver.mjs';
import { ADMIN, callApi, forgive, openAnew, setUpSandbox, text, untilFocused, untilText, untilValue } from './steps.mjs';
import { test } from './tap.mjs';

const readJson = async (name) => JSON.parse(await readFile(new URL(`../../ui/i18n/${name}.json`, import.meta.url), 'utf8'));

const open = async (page, url, hash, selector) => {
  await page.goto(`${url}/#/${hash}`);
  await page.waitForSelector(selector);
};
const quoted = (words) => new RegExp(words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));

/** The page on a screen and on a phone, light and dark. */
async function look(page, language, name) {
  await inspect(page, `${language}-${name}`);
  await page.setViewportSize({ width: 390, height: 800 });
  await inspect(page, `${language}-${name}-phone`);
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** What a program with that token gets for one mail: the status. */
const sendAs = async (url, token, email = {}) => (await fetch(`${url}/v1/emails`, {
  method: 'POST', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
  body: JSON.stringify({ to: 'kundin@example.net', subject: 'Guten Tag', text: 'Hallo', ...email }),
})).status;

// --- Applications ------------------------------------------------------------------------------------------------------

/** Runs a program as it stands on the page, and answers what it prints. */
async function runSnippet(page, url, token, tab, file, program) {
  await page.getByRole('tab', { name: tab }).click();
  await page.waitForFunction(() => document.getElementById('snippet-code')?.textContent.includes('ABSENDER_TOKEN'));
  await eventually(async () => assert.equal(await page.textContent('#snippet-run'), `export ABSENDER_URL='${url}'\nexport ABSENDER_TOKEN='${token}'\n${program} ${file} anna@example.net`));
  const folder = await mkdtemp(join(tmpdir(), 'absender-snippet-'));
  try {
    await writeFile(join(folder, file), await page.textContent('#snippet-code'));
    return (await promisify(execFile)(program, [join(folder, file), `${program}@example.net`], { env: { ...process.env, ABSENDER_URL: url, ABSENDER_TOKEN: token }, timeout: 120000 })).stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function applications({ daemon, browser, language, words }) {
  const { page } = browser;
  const button = (key) => page.getByRole('button', { name: words[key], exact: true });
  const row = (name) => page.locator('[data-token]', { hasText: name });
  let token = '';

  await test(`${language}: an application is made with what it may do; what is missing is framed, said, and has the focus`, async () => {
    await open(page, daemon.url, 'applications', '.empty');
    await look(page, language, '60-applications-none');
    await button('apps.new').first().click();
    await untilFocused(page, '#name');
    await page.keyboard.press('Enter');
    await untilFocused(page, '#name');
    await page.waitForSelector('#name[aria-invalid=true]');
    await untilText(page, '#name-fault', words['fault.required']);
    await page.fill('#name', 'Terminbuchung');
    await page.uncheck('[name=scopes][value="emails:send"]');
    await page.fill('#networks', 'zu Hause');
    await button('apps.create').click();
    await page.waitForSelector('#scopes-fault');
    await page.check('[name=scopes][value="emails:send"]');
    await button('apps.create').click(); // the server is asked, and refuses the network
    await untilFocused(page, '#networks');
    await page.waitForSelector('#networks-fault');
    await look(page, language, '61-application-form');
    forgive(browser.complaints, 422);
    await page.fill('#networks', '127.0.0.0/8\n::1/128');
    await button('apps.create').click();
    await page.waitForSelector('#token-secret');
  });

  await test(`${language}: its token is shown this once, and is right`, async () => {
    await untilFocused(page, '#token-secret-title');
    token = await page.textContent('#token-secret');
    assert.match(token, /^abs_/);
    assert.equal(await sendAs(daemon.url, token), 200);
    await look(page, language, '62-application-made');
    const [scopes] = await page.$$eval('[data-token] .scopes', (lists) => lists.map((one) => [...one.children].map((li) => li.textContent)));
    assert.deepEqual(scopes, [words['scope.emails_send']]);
  });

  await test(`${language}: the programs on the page send as they stand there`, async () => {
    for (const [tab, file, program] of [['curl', 'send.sh', 'sh'], ['Python', 'send.py', 'python3'], ['Node', 'send.mjs', 'node']]) {
      const said = await runSnippet(page, daemon.url, token, tab, file, program);
      const id = /em_[\w-]+/.exec(said)?.[0];
      assert.ok(id, said);
      assert.equal((await callApi(page, 'GET', `/v1/emails/${id}`)).status, 200);
    }
    await button('once.done').click();
    await page.waitForSelector('#token-secret', { state: 'detached' });
    await page.reload();
    await page.waitForSelector('[data-token]');
    assert.ok(!(await page.content()).includes(token), 'gone for good');
  });

  await test(`${language}: one that was made on the command line says so`, async () => {
    await page.route('**/v1/tokens', async (route) => {
      const response = await route.fetch();
      const answer = await response.json();
      await route.fulfill({ response, json: { ...answer, data: answer.data.map((one) => ({ ...one, created_by: 'operator' })) } });
    });
    await page.reload();
    await untilText(page, '[data-token]', quoted(words['apps.created_by_operator'].replace('{time}', '')));
    await page.unroute('**/v1/tokens');
    await page.reload();
    await page.waitForSelector('[data-token]');
  });

  await test(`${language}: limits given later hold at once: sender, and how many`, async () => {
    await row('Terminbuchung').getByRole('button', { name: words['apps.change_what'].replace('{name}', 'Terminbuchung') }).click();
    assert.ok(await page.isDisabled('[name=scopes][value="emails:send"]'));
    await page.fill('#per_hour', 'viele');
    await button('form.save').click();
    await untilFocused(page, '#per_hour');
    await page.fill('#per_hour', '1');
    await page.fill('#from_addresses', 'termine@localhost.test');
    await button('form.save').click();
    await page.waitForSelector('#token-form-title', { state: 'detached' });
    await untilText(page, '[data-token]', /termine@localhost\.test/);
    assert.equal(await sendAs(daemon.url, token, { from: 'sandbox@localhost.test' }), 403, 'the settings allow it, the token does not');
    await row('Terminbuchung').getByRole('button', { name: words['apps.change_what'].replace('{name}', 'Terminbuchung') }).click();
    await page.fill('#from_addresses', '');
    await button('form.save').click();
    await page.waitForSelector('#token-form-title', { state: 'detached' });
    await eventually(async () => assert.equal(await sendAs(daemon.url, token), 429));
    await page.reload();
    await untilText(page, '[data-token]', quoted(words['apps.usage.of'].replace('{window}', words['quota.per_hour']).split('{used}')[0]));
  });

  await test(`${language}: it is revoked after a question, and is refused from then on`, async () => {
    await row('Terminbuchung').getByRole('button', { name: words['apps.revoke_what'].replace('{name}', 'Terminbuchung') }).click();
    assert.notEqual(await sendAs(daemon.url, token), 401, 'asked first');
    await look(page, language, '63-application-revoke');
    await page.locator('.ask').getByRole('button', { name: words['apps.revoke'], exact: true }).click();
    await page.waitForSelector('.empty');
    await untilFocused(page, 'h1'); // it is somewhere
    assert.equal(await sendAs(daemon.url, token), 401);
  });
}

// --- Webhooks ----------------------------------------------------------------------------------------------------------

async function webhooks({ daemon, browser, language, words, receiver }) {
  const { page } = browser;
  const button = (key) => page.getByRole('button', { name: words[key], exact: true });
  const idOf = ({ headers }) => headers['webhook-id'];
  const next = async (act, fits = null) => { // what comes of an act: by itself a new event; what failed may be tried again meanwhile
    const before = receiver.messages.length, known = new Set(receiver.messages.map(idOf));
    await act();
    return eventually(() => {
      const found = receiver.messages.slice(before).find(fits ?? ((message) => !known.has(idOf(message))));
      assert.ok(found, 'nothing came');
      return found;
    });
  };
  let secret = '';

  await test(`${language}: a webhook takes only https, and shows its secret once`, async () => {
    await open(page, daemon.url, 'webhooks', '.empty');
    await button('hook.new').first().click();
    await page.fill('#url', 'http://alarm.example.org/');
    await button('hook.create').click();
    await untilFocused(page, '#url');
    await untilText(page, '#url-fault', words['hook.not_https']);
    await page.fill('#url', receiver.url);
    await page.fill('#name', 'Alarm');
    await look(page, language, '64-webhook-form');
    await button('hook.create').click();
    await page.waitForSelector('#hook-secret');
    secret = await page.textContent('#hook-secret');
    assert.match(secret, /^whsec_/);
    await look(page, language, '65-webhook-made');
    await page.reload();
    await page.waitForSelector('[data-webhook]');
    assert.ok(!(await page.content()).includes(secret), 'gone for good');
  });

  await test(`${language}: a test arrives, signed with that secret, and the page says so`, async () => {
    await page.click('[data-webhook] h2 a');
    await page.waitForSelector('#deliveries-title');
    const message = await next(() => button('hook.test').click());
    assert.equal(JSON.parse(message.body).type, 'webhook.test');
    assert.ok(isSigned(message, secret));
    assert.ok(!isSigned(message, 'whsec_AAAA'), 'the check can fail');
    await page.waitForSelector(`[data-delivery="${message.headers['webhook-id']}"][data-state=delivered]`);
    await page.waitForSelector('[data-health=good]');
  });

  await test(`${language}: what did not arrive is shown with the receiver's answer, waits, and is sent again by hand once it has`, async () => {
    receiver.answer = 503;
    const message = await next(() => button('hook.test').click());
    const id = message.headers['webhook-id'];
    await page.waitForSelector(`[data-delivery="${id}"][data-state=waiting]`);
    await untilText(page, `[data-delivery="${id}"]`, /503/);
    await page.waitForSelector('[data-health=failing]');
    await look(page, language, '66-webhook');
    receiver.answer = 204;
    const earlier = page.locator('[data-state=delivered]').first();
    const again = await next(() => earlier.getByRole('button').click(), (message) => idOf(message) === idOf(receiver.messages[0])); // the same event, which the receiver knows
    assert.ok(isSigned(again, secret));
  });

  await test(`${language}: a new secret signs from now on; a webhook is switched off and on, and deleted after a question`, async () => {
    await button('hook.secret.renew').click();
    await page.locator('.ask').getByRole('button', { name: words['hook.secret.renew'] }).click();
    await page.waitForSelector('#hook-secret');
    const fresh = await page.textContent('#hook-secret');
    assert.notEqual(fresh, secret);
    const message = await next(() => button('hook.test').click());
    assert.ok(isSigned(message, fresh) && !isSigned(message, secret));
    await button('hook.off').click();
    await page.waitForSelector('[data-health=off]');
    await button('hook.on').click();
    await page.waitForSelector('[data-health=off]', { state: 'detached' });
    await button('hook.remove').click();
    await page.locator('.ask').getByRole('button', { name: words['action.cancel'] }).click();
    await eventually(async () => assert.equal(await page.evaluate('document.activeElement.dataset.ask'), 'remove', 'the focus is where it was'));
    await button('hook.remove').click();
    await page.locator('.ask').getByRole('button', { name: words['hook.remove'] }).click();
    await page.waitForSelector('.empty');
    forgive(browser.complaints, 404); // it may just have been looked at again
  });
}

// --- Organisation and mail texts ---------------------------------------------------------------------------------------

/** What stands in the preview's frame, by the eyes of the browser. */
const inFrame = (page, read) => eventually(async () => {
  const frame = page.frames().find((one) => one !== page.mainFrame());
  return read(await (await page.waitForSelector('iframe.mail')).contentFrame() ?? frame);
});

const rgbOf = (colour) => `rgb(${[1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)).join(', ')})`;
const COLOUR = '#14532d';

/** Whether any ground in the frame has that colour. */
const shows = (frame, colour) => frame.evaluate((wanted) => [...document.querySelectorAll('*')].some((one) => {
  const { backgroundColor, color, borderTopColor } = getComputedStyle(one);
  return [backgroundColor, color, borderTopColor].includes(wanted);
}), rgbOf(colour));

async function organisation({ daemon, browser, language, words }) {
  const { page } = browser;
  const button = (key) => page.getByRole('button', { name: words[key], exact: true });

  await test(`${language}: the organisation's name and colour are seen in a mail before they are kept`, async () => {
    await open(page, daemon.url, 'organisation', 'iframe.mail');
    await page.fill('#colour', 'grün');
    await button('form.save').click();
    await untilFocused(page, '#colour');
    await untilText(page, '#colour-fault', words['org.bad_colour']);
    await page.fill('#colour', '#ffee88');
    await inFrame(page, async (frame) => assert.ok(await shows(frame, '#ffee88')));
    await look(page, language, '67-organisation');
    await page.fill('#colour', COLOUR);
    await page.fill('#name', 'Praxis <Dr.> Beispiel');
    await untilText(page, '.preview', /Praxis <Dr\.> Beispiel/);
    await inFrame(page, async (frame) => {
      assert.ok(await shows(frame, COLOUR), 'the colour');
      assert.match(await frame.evaluate('document.body.textContent'), /Praxis <Dr\.> Beispiel/);
    });
    assert.equal((await callApi(page, 'GET', '/v1/organisation')).body.colour, null, 'not kept yet');
  });

  await test(`${language}: what is kept is there again, and a wrong address is refused in words`, async () => {
    await page.fill('#public_url', 'https://mail.example.org/pfad');
    await button('form.save').click();
    await untilFocused(page, '#public_url');
    await untilText(page, '#public_url-fault', words['org.bad_url']);
    await page.fill('#public_url', daemon.url);
    await button('form.save').click();
    await untilText(page, 'form .notice.good', quoted(words['form.saved']));
    const { body } = await callApi(page, 'GET', '/v1/organisation');
    assert.deepEqual([body.name, body.colour, body.public_url, body.public_url_source], ['Praxis <Dr.> Beispiel', COLOUR, daemon.url, 'stored']);
    await page.reload();
    await page.waitForSelector('#colour');
    assert.equal(await page.inputValue('#colour'), COLOUR);
  });
}

const MALICE = '<p id="kept">Unverdächtig {{link}}</p><script>document.title = "run"</script><img src="https://evil.example/x.png" onerror="document.title = \'run\'">'
  + '<form action="https://evil.example/"><input name="x"></form><a href="https://evil.example/" style="background: url(https://evil.example/y.png)">x</a>';

async function mailTexts({ daemon, browser, language, words }) {
  const { page } = browser;
  const button = (key) => page.getByRole('button', { name: words[key], exact: true });

  await test(`${language}: every mail that the service writes is listed in both languages, with what it is for`, async () => {
    await open(page, daemon.url, 'mail-texts', '[data-text]');
    const names = await page.$$eval('[data-text]', (all) => all.map((one) => one.dataset.text));
    for (const name of ['invitation', 'password_reset', 'test_mail', 'notice_breaker', 'security_password_changed', 'booking_confirmation']) assert.ok(names.includes(name), `${name} in ${names}`);
    const other = language === 'de' ? 'en' : 'de';
    const title = await text(page, '[data-text=invitation]');
    await button(`texts.in.${other}`).click();
    await eventually(async () => assert.notEqual(await text(page, '[data-text=invitation]'), title));
    await button(`texts.in.${language}`).click();
    await look(page, language, '68-mail-texts');
  });

  await test(`${language}: a text is seen as its reader will see it: name and colour, screen and phone, light and dark, HTML and text`, async () => {
    await open(page, daemon.url, `mail-texts/invitation/${language}`, 'iframe.mail');
    await inFrame(page, async (frame) => assert.ok(await shows(frame, COLOUR)));
    const ground = () => inFrame(page, (frame) => frame.evaluate('[...document.querySelectorAll("*")].map((one) => getComputedStyle(one).backgroundColor).join()'));
    const light = await ground();
    await look(page, language, '69-mail-text');
    await button('texts.view.dark').click();
    await eventually(async () => assert.notEqual(await ground(), light, 'the rules for dark apply'));
    await button('texts.view.phone').click();
    await inFrame(page, async (frame) => assert.ok(await frame.evaluate('innerWidth') < 400));
    await inspect(page, `${language}-70-mail-text-dark-phone`);
    await button('texts.view.text').click();
    await page.waitForSelector('[data-preview=text]');
    await untilText(page, '[data-preview=text]', /http\S+#\/invitation\//);
    await button('texts.view.html').click();
  });

  await test(`${language}: what mail programs drop is refused with its line; and if it came, nothing in a preview would run, be sent or be fetched`, async () => {
    await page.fill('#html', MALICE);
    await untilText(page, '.preview .notice.bad', / 1: /);
    forgive(browser.complaints, 422);
    assert.deepEqual(browser.complaints, []);
    const ends = [];
    const note = (request) => { if (request.url().includes('evil.example')) ends.push(request.failure()?.errorText); };
    page.on('requestfailed', note);
    await page.route('**/v1/templates/preview', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...await response.json(), html: MALICE } });
    });
    await page.fill('#html', '<a href="{{link}}">{{link}}</a>');
    await inFrame(page, async (frame) => {
      assert.match(await frame.evaluate('document.body.textContent'), /Unverdächtig/);
      assert.equal(await frame.evaluate('document.querySelectorAll("script, form, input, [onerror], [href], img[src]").length'), 0);
    });
    assert.equal(await page.getAttribute('iframe.mail', 'sandbox'), 'allow-same-origin', 'no scripts, no forms, no ways out');
    assert.ok(!(await page.title()).includes('run'));
    await page.unroute('**/v1/templates/preview');
    await button('texts.discard').click();
    await inFrame(page, async (frame) => assert.doesNotMatch(await frame.evaluate('document.body.textContent'), /Unverdächtig/)); // no preview of it comes any more
    page.off('requestfailed', note);
    assert.ok(ends.every((end) => end === 'csp'), ends.join()); // what is wanted all the same, the policy of the page keeps in: Chromium tells of it
    assert.ok(browser.complaints.every((one) => one.includes('https://evil.example/y.png')), browser.complaints.join());
    browser.complaints.splice(0);
  });

  await test(`${language}: a fault is named with its line while one types, and the text without its link is not kept`, async () => {
    const whole = await page.inputValue('#text');
    await page.fill('#text', 'Hallo\n{{#unendlich}}');
    await untilText(page, '.preview .notice.bad', /2/);
    await inspect(page, `${language}-71-mail-text-fault`);
    await page.fill('#text', 'Hallo, {{org_name}}');
    await untilText(page, '.preview .notice.bad', /link/i); // what is not kept is not shown as fine
    await button('form.save').click();
    await page.waitForSelector('#text[aria-invalid=true]');
    await untilText(page, '#text-fault', /link/i);
    forgive(browser.complaints, 422);
    await page.click('a[href="#/audit"]'); // and back: nothing that was typed is lost
    await page.waitForSelector('[data-audit]');
    await page.goBack();
    await page.waitForSelector('#text');
    await untilValue(page, 'text', 'Hallo, {{org_name}}');
    forgive(browser.complaints, 422);
    await button('texts.discard').click();
    await untilValue(page, 'text', whole);
  });

  await test(`${language}: a text of one's own is kept, marked, sent instead of ours, and given up again`, async () => {
    await page.fill('#subject', 'Kommen Sie zu ');
    await page.getByRole('button', { name: words['texts.insert'].replace('{name}', 'org_name'), exact: true }).click();
    await untilValue(page, 'subject', 'Kommen Sie zu {{org_name}}');
    await untilText(page, '[data-preview=subject]', /Kommen Sie zu Praxis <Dr\.> Beispiel/);
    await button('form.save').click();
    await button('texts.back').waitFor();
    await open(page, daemon.url, 'mail-texts', '[data-text=invitation] .badge.info');
    await page.click('[data-text=invitation] h2 a');
    await button('texts.back').click();
    await page.locator('.ask').getByRole('button', { name: words['texts.back'] }).click();
    await button('texts.back').waitFor({ state: 'detached' });
    await eventually(async () => assert.ok(!(await page.inputValue('#subject')).startsWith('Kommen Sie')));
  });

  await test(`${language}: an application's own text gets a name, words, and is sent by it`, async () => {
    await open(page, daemon.url, 'mail-texts', '[data-text]');
    await button('texts.new').click();
    await page.fill('#name', 'Versand fertig');
    await page.keyboard.press('Enter');
    await untilFocused(page, '#name');
    await page.fill('#name', 'order_shipped');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#subject');
    await page.fill('#subject', 'Ihr Paket {{number}}');
    await page.fill('#text', 'Unterwegs: {{number}}');
    await button('form.save').click();
    await page.waitForSelector('form .saved:empty', { state: 'attached' });
    const { status, body } = await callApi(page, 'POST', '/v1/emails', { to: 'kundin@example.net', template: { id: 'order_shipped', variables: { number: '4711' }, locale: language } });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal((await callApi(page, 'GET', `/v1/emails/${body.id}`)).body.subject, 'Ihr Paket 4711');
    await button('texts.remove').click();
    await page.locator('.ask').getByRole('button', { name: words['texts.remove'] }).click();
    await page.waitForSelector('[data-text]');
    assert.equal(await page.locator('[data-text=order_shipped]').count(), 0);
  });
}

// --- Audit log ---------------------------------------------------------------------------------------------------------

async function audit({ daemon, browser, language, words }) {
  const { page } = browser;
  const actions = () => page.$$eval('[data-audit]', (rows) => rows.map((row) => row.dataset.action));
  const untilActions = (fits) => eventually(async () => {
    const found = await actions();
    assert.ok(found.length > 0 && found.every(fits), found.join());
  });

  await test(`${language}: what was done is in the log: who, what in words, when, from where`, async () => {
    await open(page, daemon.url, 'audit', '[data-audit]');
    const { data } = (await callApi(page, 'GET', '/v1/audit-events?limit=100', null, { 'Accept-Language': language })).body;
    for (const action of ['token.created', 'token.changed', 'token.revoked', 'webhook.created', 'webhook.replayed', 'webhook.removed', 'template.changed', 'template.removed',
      'organisation.changed', 'setup.done']) {
      assert.ok(data.some((one) => one.action === action), action);
    }
    const row = await text(page, '[data-audit]');
    assert.ok(row.includes(data[0].text) && row.includes(ADMIN.email) && row.includes('127.0.0.1'), row);
    const revoked = data.find((one) => one.action === 'token.revoked'); // its sentence says no name
    assert.ok((await text(page, `[data-audit="${revoked.id}"]`)).includes(revoked.target));
    const changed = data.find((one) => one.action === 'token.changed' && /quota/.test(one.detail));
    assert.ok((await text(page, `[data-audit="${changed.id}"]`)).includes(words['audit.word.quota']), changed.detail);
    await look(page, language, '72-audit');
  });

  await test(`${language}: it is searched by kind, by person and by day, and the search is part of the address`, async () => {
    await page.selectOption('#audit_action', 'webhook.');
    await untilActions((action) => action.startsWith('webhook.'));
    await page.waitForURL(/action=webhook\./);
    await page.fill('#audit_actor', 'niemand');
    await untilText(page, '.empty', quoted(words['audit.nothing']));
    await page.fill('#audit_actor', 'ANNA@');
    await untilActions((action) => action.startsWith('webhook.'));
    const today = await page.evaluate('new Date(Date.now() - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 10)');
    await page.fill('#audit_until', today);
    await untilActions((action) => action.startsWith('webhook.'));
    await page.fill('#audit_since', '2100-01-01');
    await page.waitForSelector('.empty');
    await page.fill('#audit_since', '');
    await untilActions((action) => action.startsWith('webhook.'));
    await page.reload();
    await untilActions((action) => action.startsWith('webhook.'));
    assert.equal(await page.inputValue('#audit_actor'), 'ANNA@');
  });

  await test(`${language}: the check reads all of it and finds it intact`, async () => {
    await page.getByRole('button', { name: words['audit.check.run'] }).click();
    await page.waitForSelector('[data-check=ok]');
    await inspect(page, `${language}-73-audit-checked`);
    await page.evaluate(() => localStorage.setItem('absender.audit_head', 'ab'.repeat(32))); // as if the end had been there once
    await page.getByRole('button', { name: words['audit.check.run'] }).click();
    await untilText(page, '[data-check=broken]', quoted(words['audit.cut']));
  });
}

// --- What is loaded ----------------------------------------------------------------------------------------------------

async function weight({ daemon, browser, language, words }) {
  const { page } = browser;
  await test(`${language}: a page loads what it shows, and nothing of the others`, async () => {
    const loaded = new Set();
    const note = (request) => loaded.add(new URL(request.url()).pathname.replace(/^\/assets\/([0-9a-f]{16}\/)?/, ''));
    page.on('request', note);
    await openAnew(page, `${daemon.url}/#/settings/email`, '[data-setup=complete]');
    const foreign = [...loaded].filter((name) => /^admin-api|^i18n\/admin|^pages\/(?!settings-email|sign-in)|^parts\/(mail-frame|token-form|webhook-form|deliveries|snippets)/.test(name));
    assert.deepEqual(foreign, []);
    assert.ok(loaded.has('pages/settings-email.js'));
    loaded.clear();
    await openAnew(page, `${daemon.url}/#/audit`, '[data-audit]');
    await untilText(page, 'h1', words['nav.audit']);
    assert.deepEqual([...loaded].filter((name) => /^pages\/(?!audit|sign-in)|^parts\/(settings-form|ladder|mail-frame|token-form)/.test(name)), []);
    assert.ok(loaded.has(`i18n/admin.${language}.json`));
    page.off('request', note);
  });

  await test(`${language}: a page speaks the other language at once`, async () => {
    const other = language === 'de' ? 'en' : 'de';
    await speak(page, other);
    const there = await readJson(`admin.${other}`);
    await untilText(page, '#audit-check-title', quoted(there['audit.check']));
    const { data: [newest] } = (await callApi(page, 'GET', '/v1/audit-events?limit=1', null, { 'Accept-Language': other })).body;
    await untilText(page, `[data-audit="${newest.id}"]`, quoted(newest.text)); // the sentences are the server's
    await speak(page, language);
    await untilText(page, '#audit-check-title', quoted(words['audit.check']));
  });
}

export async function admin(language) {
  const receiver = await startReceiver();
  const daemon = await startDaemon([receiver.port], ['--dns-server', receiver.names, '--ca-file', receiver.certificate, '--allow-network', '127.0.0.0/8']);
  const browser = await openBrowser(daemon.url, { language });
  const words = { ...await readJson(language), ...await readJson(`admin.${language}`) };
  try {
    await setUpSandbox(browser.page, daemon.setupLink);
    for (const part of [applications, webhooks, organisation, mailTexts, audit, weight]) await part({ daemon, browser, language, words, receiver });
    forgive(browser.complaints, 422); // a preview that was asked for while its text was being typed may be refused at any time later
    await test(`${language}: administration: nothing was said on the console, and no other host was asked`, () => assert.deepEqual(browser.complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
    await receiver.close();
  }
}
