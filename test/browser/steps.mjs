// Steps that several suites take, and what they wait for. Each waits for the thing itself: a state that was there before proves nothing.
import assert from 'node:assert/strict';
import { eventually } from './browser.mjs';

export const ADMIN = { name: 'Anna Beispiel', email: 'anna@example.org', password: 'ein langes Kennwort mit Sinn' };

// --- What stands on a page -----------------------------------------------------------------------------------------------

export const text = async (page, selector) => (await page.textContent(selector)).replace(/\s+/g, ' ').trim();

/** Waits until an element says this: all of it, or a pattern in it. */
export const untilText = (page, selector, words) => eventually(async () => {
  const said = await text(page, selector);
  if (words instanceof RegExp) assert.match(said, words);
  else assert.equal(said, words.replace(/\s+/g, ' ')); // in the texts there are spaces at which no line ends
});

/** What a screen reader is told of what happens. */
export const untilAnnounced = (page, words) => untilText(page, '[role=status].unseen', words);

/** Waits until the element that the selector means has the focus. */
export const untilFocused = (page, selector) => eventually(async () =>
  assert.ok(await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector), `${selector} has the focus`));

/** Waits until a field holds this value. */
export const untilValue = (page, id, value) => eventually(async () => assert.equal(await page.inputValue(`#${id}`), value));

/** Chromium itself reports refused requests on the console: those that a step provokes are taken away by their number. */
export function forgive(complaints, ...codes) {
  const rest = complaints.splice(0).filter((one) => !codes.some((code) => one.includes(`status of ${code}`)));
  complaints.push(...rest);
}

/** Chooses a radio button, which stands behind its label. Words that appear meanwhile can move it away from under the click. */
export const radio = (page, id) => eventually(async () => {
  await page.click(`label:has(#${id})`);
  assert.ok(await page.isChecked(`#${id}`), `#${id} is chosen`);
});

/** What stands in the clipboard of a browser that may read it. */
export const clipboard = (page) => page.evaluate(() => navigator.clipboard.readText());

/** A page of the service by its address, once it and nothing of the page before is there: an address behind the # alone is no new start. */
export async function openAnew(page, url, sign) {
  await page.goto('about:blank');
  await page.goto(url);
  await page.waitForSelector(sign);
}

// --- Requests ------------------------------------------------------------------------------------------------------------

/** A request as the page itself would make it, with its session and CSRF value. */
export const callApi = (page, method, path, body, headers = {}) => page.evaluate(async ([verb, where, content, more]) => {
  const session = await (await fetch('/v1/session')).json();
  const answer = await fetch(where, {
    method: verb, headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': session.csrf_token, ...more },
    body: content ? JSON.stringify(content) : undefined,
  });
  return { status: answer.status, body: await answer.json() };
}, [method, path, body ?? null, headers]);

/** What the service itself says of the settings, whatever the page may show or be made to show. */
export const readSmtp = async (page, headers = {}) => (await page.context().request.get(new URL('/v1/smtp', page.url()).href, { headers })).json();

export const setSending = async (page, body) => assert.equal((await callApi(page, 'PUT', '/v1/smtp/sending', body)).status, 200);

/** Hands an email over; its id. */
export async function post(page, email) {
  const { status, body } = await callApi(page, 'POST', '/v1/emails', { subject: 'Guten Tag', text: 'Hallo', ...email });
  assert.equal(status, 200, JSON.stringify(body));
  return body.id;
}

export const stateOf = async (page, id) => (await callApi(page, 'GET', `/v1/emails/${id}`)).body.state;
export const untilState = (page, id, state) => eventually(async () => assert.equal(await stateOf(page, id), state));

/** Waits until the service itself has a draft like this. */
export const untilDraft = (page, fits) => eventually(async () => {
  const { draft } = await readSmtp(page);
  assert.ok(draft && fits(draft), `the draft stayed ${JSON.stringify(draft)}`);
});

// --- The first admin, and the settings -------------------------------------------------------------------------------------

/** The first admin, as the page behind the link makes one. The cookie of the session is the browser's. */
export async function createAdmin(page, setupLink) {
  const { origin, hash } = new URL(setupLink);
  const { request } = page.context();
  const { csrf_token: csrf } = await (await request.get(`${origin}/v1/session`)).json();
  const language = (await page.evaluate('navigator.language')).slice(0, 2);
  const answer = await request.post(`${origin}/v1/setup`, {
    headers: { ...(csrf && { 'X-CSRF-Token': csrf }) }, data: { token: hash.split('/').at(-1), ...ADMIN, language, public_url: origin },
  });
  assert.ok(answer.ok(), await answer.text());
  await page.goto(`${origin}/#/settings/email`);
  await page.waitForSelector('[data-setup]');
}

/** The same as a person does it. */
export async function createAdminByHand(page, setupLink) {
  await page.goto(setupLink);
  await page.fill('#name', ADMIN.name);
  await page.fill('#email', ADMIN.email);
  await page.fill('#password', ADMIN.password);
  await page.click('button[type=submit]');
  await page.waitForSelector('[data-setup]');
}

/** A card of the settings page that is folded until somebody opens it; what is in it comes then. */
export async function unfold(page, id) {
  await page.click(`#${id}:not([open]) > summary`);
  await page.waitForSelector(`#${id} .fold-body`);
}

export const setupState = (page, state) => page.waitForSelector(`[data-setup=${state}]`);

/** The page of the settings, with something in force. */
export async function settings(page, url) {
  await page.goto(`${url}/#/settings/email`);
  await setupState(page, 'complete');
}

/** The whole form: unfolded while something is in force, and on an empty page opened without looking anything up. */
export async function openForm(page) {
  await page.waitForSelector('[data-setup]');
  const folded = page.locator('.status .edit[aria-expanded=false]');
  if (await folded.count()) await folded.click();
  const byHand = page.locator('.settings .start-rest > p > button');
  await eventually(async () => { // it may open by itself meanwhile
    if (await byHand.count()) await byHand.click({ timeout: 5000 });
    assert.ok(await page.locator('#host').count(), 'the form is open');
  });
}

/** Takes back what was typed; the button goes when all of it has been. */
export async function discard(page) {
  const button = page.getByRole('button', { name: 'Entwurf verwerfen' });
  await button.click();
  await button.waitFor({ state: 'detached' });
}

/** The whole form with nothing begun: settings in force are left alone; a draft goes, even one that is just being saved. */
export async function openFormAnew(page) {
  await openForm(page);
  await eventually(async () => {
    if (await page.getByRole('button', { name: 'Entwurf verwerfen' }).count()) await discard(page);
    assert.equal(await page.getAttribute('.saved', 'data-saved'), 'none');
  });
  await openForm(page);
}

/** The tile of a provider, wherever the page has it. The list may open by itself while one is about to open it, and then the click shuts it. */
export async function chooseTile(page, preset) {
  const folded = page.locator('.status .edit[aria-expanded=false]');
  if (await folded.count()) await folded.click();
  await page.waitForSelector('.settings');
  const tile = page.locator(`[data-preset=${preset}]`);
  await eventually(async () => {
    const shut = page.locator('.providers:not([open]) > summary');
    if (await shut.count()) await shut.click({ timeout: 5000 });
    await tile.click({ timeout: 5000 });
  });
}

/** What starts a check of what stands in the form. */
export const submit = (page) => page.click('.settings button[type=submit]');

/** What is wrong with the form, in the words of the page. */
const wrongOf = (page) => page.$$eval('.settings [aria-invalid=true], .settings .notice.bad', (all) => all.map((one) => one.id || one.textContent).join());

/** Does what starts a run, and waits until that run (not the one before) is shown with this outcome; one that passed folds the form away. */
export async function untilRun(page, outcome, start = () => submit(page)) {
  const before = (await readSmtp(page)).last_verification?.id;
  await start();
  let looksFirst = true; // a server that came into the form with this click wants another one
  const run = await eventually(async () => {
    if (looksFirst && await page.locator('#look-first').count()) {
      looksFirst = false;
      await submit(page);
    }
    const [found] = await page.$$eval('[data-run]', (all) => all.map(({ dataset, textContent }) => ({ id: dataset.runId, state: dataset.run, words: textContent })));
    assert.ok(found && found.id !== before, `no run was started: ${await wrongOf(page)}`);
    assert.ok(found.state !== 'running' || outcome === 'running', `still running: ${found.words}`);
    return found;
  });
  assert.equal(run.state, outcome, run.words);
  if (outcome === 'passed') await page.waitForSelector('.settings', { state: 'detached' });
}

/** The rungs of the run that is shown: [[phase, state], …]. */
export const rungs = (page) => page.$$eval('[data-phase]', (all) => all.map((one) => [one.dataset.phase, one.dataset.state]));

/** Waits until the run that is shown has come to this at this rung. */
export const untilRung = (page, phase, state) => eventually(async () => {
  const all = await rungs(page);
  assert.ok(all.some((one) => one[0] === phase && one[1] === state), `no ${phase} that is ${state} in ${JSON.stringify(all)}: ${await page.textContent('.ladder')}`);
});

/** Tile, then the one button; the run that comes of it. */
export async function verifySandbox(page, outcome = 'passed', password = null) {
  await chooseTile(page, 'sandbox');
  await untilValue(page, 'host', 'localhost');
  if (password !== null) await page.fill('#password', password);
  await untilRun(page, outcome);
}

/** Starts a check of these settings without the form; its id. */
export async function verifyApart(page, values) {
  const { status, body } = await callApi(page, 'POST', '/v1/smtp/verifications', { settings: values });
  assert.equal(status, 202, JSON.stringify(body));
  return body.id;
}

/** What the tile of the sandbox fills in. */
export async function sandboxValues(page) {
  const { endpoints: [server], from_email: sender, username, password_hint: password } = (await callApi(page, 'GET', '/v1/smtp/presets')).body.data
    .find(({ id }) => id === 'sandbox');
  return { ...server, from_email: sender, username, password };
}

/** Sandbox settings in force, without a form. */
export async function setUpSandbox(page, setupLink) {
  await createAdmin(page, setupLink);
  await verifyApart(page, await sandboxValues(page));
  await setupState(page, 'complete');
}
