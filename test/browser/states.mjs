// The states of the settings page that no other suite shows, each in its four forms. What a real server can bring about here, one does; an
// answer that would take hours, a foreign network or a wrong clock is made up, on the pattern of the real one and in the words of the
// catalogue: these statements are about looks, what leads there is proved elsewhere. Whatever is made up is held against the contract.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { eventually, inspectForms, openBrowser } from './browser.mjs';
import { faultsAgainst, faultsOf } from './contract.mjs';
import { startDaemon } from './daemon.mjs';
import { startFaulty } from './faulty.mjs';
import { startProvider } from './provider.mjs';
import { callApi, createAdmin, openAnew, readSmtp, setSending, setupState, untilFocused, untilRun, untilText, verifyApart } from './steps.mjs';
import { test } from './tap.mjs';

const SENDER = 'it@verein.example';
const PASSWORD = 'Sommer 2026';
const FAILURES = JSON.parse(await readFile(new URL('../../data/failures.json', import.meta.url), 'utf8')).failures;

/** Everything that was made up: [name of its schema, answer]. */
const madeUp = [];

/** While body runs, what is asked at this address is answered as made of the real answer: make(real, language), or null for no answer at all. */
async function withAnswer(page, where, schema, make, body, status = 200) {
  await page.route(where, async (route) => {
    const language = route.request().headers()['accept-language']?.slice(0, 2) ?? 'de';
    const response = await route.fetch();
    const answer = make(await response.json(), language);
    if (schema) madeUp.push([schema, answer]);
    await route.fulfill({ status, json: answer });
  });
  try {
    await body();
  } finally {
    await page.unroute(where);
  }
}

async function withoutAnswer(page, where, body) {
  let end = () => {};
  const ended = new Promise((resolve) => { end = resolve; });
  await page.route(where, async (route) => {
    await ended;
    await route.abort().catch(() => {}); // the page may be gone
  });
  try {
    await body();
  } finally {
    end();
    await page.unroute(where);
  }
}

const problem = { type: 'about:blank', title: 'Not available', status: 503, code: 'unavailable', detail: 'Der Dienst antwortet gerade nicht.' };

// --- Rungs ---------------------------------------------------------------------------------------------------------------

/** A run of the service itself that fails against one of the faulty servers, as the page shows it to whoever comes. */
async function fails(page, values) {
  const id = await verifyApart(page, { host: 'localhost', security: 'starttls', from_email: SENDER, username: SENDER, password: PASSWORD, ...values, port: Number(values.port) });
  await eventually(async () => {
    const { last_verification: run } = await readSmtp(page);
    assert.deepEqual([run.id, run.state], [id, 'failed']);
  });
  await page.reload();
  await page.waitForSelector(`[data-run-id="${id}"] .diagnosis`);
}

async function rungs({ page }, { ports }, provider) {
  for (const [name, values, phase] of [
    ['connect-refused', { port: ports.closed }, 'connect'], ['greeting-refused', { port: ports.greeting_refused }, 'greeting'],
    ['captive-portal', { port: ports.not_smtp }, 'greeting'], ['no-starttls', { port: ports.no_starttls }, 'starttls'], ['broken-tls', { port: ports.broken_tls }, 'tls'],
  ]) {
    await test(`states: a check that fails, ${name}`, async () => {
      await fails(page, values);
      await page.waitForSelector(`[data-phase=${phase}][data-state=failed]`);
      await inspectForms(page, `70-${name}`);
    });
  }

  await test('states: a network that stood in the way is tried again with one click', async () => {
    await fails(page, { port: ports.not_smtp });
    await untilRun(page, 'failed', () => page.click('.ladder [data-action=retry_later]'));
    await page.waitForSelector('[data-diagnosis=captive_portal]');
  });

  await test('states: a right password that is not enough blames no field, and the text for the administrator is there to copy', async () => {
    provider.state.refusal = '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.';
    await fails(page, { port: provider.port, security: 'implicit' });
    await page.waitForSelector('[data-diagnosis=m365_smtp_auth_disabled_tenant]');
    await page.click('.ladder .for-others summary');
    await inspectForms(page, '71-login-disabled');
    provider.state.password = PASSWORD;
  });

  await test('states: a domain the provider does not know yet leads to the card of the domain, which asks for itself', async () => {
    provider.state.senderReply = '550 5.7.1 Sender domain not verified. Please verify your domain (SPF, DKIM) first.';
    await fails(page, { port: provider.port, security: 'implicit' });
    await inspectForms(page, '71b-sender-refused');
    for (const there of [false, true]) {
      assert.equal(await page.evaluate("location.hash.endsWith('/domain')"), there);
      await page.click('.ladder [data-action=open_domain_card]');
      await untilFocused(page, '#domain-title');
      await page.waitForSelector('#domain-card [data-record=spf]');
      await page.focus('#from_email');
    }
    provider.state.senderReply = '250 2.1.0 OK';
  });
}

/** Runs as another network or another day would have them, made of a real one that failed: by the catalogue, with what is known besides. */
const ELSEWHERE = {
  'name-not-found': { failure: 'dns_host_not_found', phase: 'dns', detail: 'NXDOMAIN' },
  'port-blocked': { failure: 'connect_port_blocked', phase: 'connect', detail: 'ETIMEDOUT', sibling: { port: 465, security: 'implicit', state: 'open' } },
  'all-ports-blocked': { failure: 'connect_mail_ports_blocked', phase: 'connect', detail: 'ETIMEDOUT', sibling: { port: 465, security: 'implicit', state: 'closed' } },
  'somebody-else': { failure: 'greeting_not_smtp', phase: 'greeting', detail: null, connected_to: { wanted: 'smtp.verein.example', got: 'filter.firma-firewall.example' } },
  'clock-behind': { failure: 'clock_behind', phase: 'certificate', detail: 'CERT_NOT_YET_VALID' },
  intercepted: { failure: 'tls_intercepted', phase: 'certificate', detail: 'UNKNOWN_CA' },
};
const LABELS = {
  de: { retry_later: 'Noch einmal prüfen', check_clock: 'Uhr dieses Rechners stellen', use_sibling_port: 'Port 465 verwenden', use_right_host: 'Anderen Server eintragen', ask_operator: 'Text für die IT-Abteilung' },
  en: { retry_later: 'Check again', check_clock: 'Set the clock of this machine', use_sibling_port: 'Use port 465', use_right_host: 'Enter another server', ask_operator: 'Text for the IT department' },
};

function runElsewhere(run, { failure, phase, detail, sibling = null, connected_to: other = null }, language) {
  const row = FAILURES.find(({ id }) => id === failure);
  const at = run.phases.findIndex(({ name }) => name === phase);
  const actions = row.actions.filter((code) => code !== 'use_sibling_port' || sibling?.state === 'open').map((code) => ({
    code, label: LABELS[language][code], ...(code === 'use_sibling_port' && { port: 465, security: 'implicit' }), ...(code === 'use_right_host' && { host: null }),
    ...(code === 'ask_operator' && { text: row[`fix_${language}`] }),
  }));
  return {
    ...run, state: 'failed', activated: false, sibling, connected_to: other,
    phases: run.phases.map((one, i) => ({ ...one, state: i < at ? 'passed' : i === at ? 'failed' : 'skipped', detail: i === at ? detail : i < at ? one.detail : null })),
    diagnosis: { id: failure, phase, reply: null, enhanced: null, meaning: row[`means_${language}`], fix: row[`fix_${language}`], actions, manual_url: `/manual/${language}/${row.topic}.html#${failure}` },
  };
}

async function elsewhere({ page }) {
  for (const [name, one] of Object.entries(ELSEWHERE)) {
    await test(`states: a check that fails in another network, ${name}`, async () => {
      const make = (real, language) => ({ ...real, last_verification: runElsewhere(real.last_verification, one, language) });
      await withAnswer(page, '**/v1/smtp', 'Status', make, () => withoutAnswer(page, '**/v1/smtp/events*', async () => {
        await page.reload();
        await page.waitForSelector(`[data-diagnosis=${one.failure}]`);
        if (one.connected_to) await untilText(page, '[data-connected-to]', /filter\.firma-firewall\.example/);
        if (one.sibling) await page.waitForSelector(`[data-sibling=${one.sibling.state}]`);
        await inspectForms(page, `72-${name}`);
      }));
    });
  }
}

// --- Looking up --------------------------------------------------------------------------------------------------------------

const WHY = {
  de: { mx: 'Die E-Mails von verein.example nimmt mx00.kundenserver.de an.', public_database: 'So steht es in der öffentlichen Datenbank von Thunderbird.', srv: 'Die Domain nennt diesen Server im DNS.' },
  en: { mx: 'mail.verein.example is received by mx00.kundenserver.de.', public_database: 'That is what the public database of Thunderbird says.', srv: 'The domain names this server in the DNS.' },
};
const candidate = (source, language, more) => ({
  source, why: WHY[language][source], preset: null, host: 'mail.verein.example', port: 465, security: 'implicit', username: SENDER, open: [], confidence: 'medium', ...more,
});
const step = (name, state, detail = '') => ({ name, state, detail });

const LOOK_UPS = {
  'some-unanswered': [() => ({
    best: null, candidates: [], can_ask_public_database: true, steps: [step('domain_table', 'nothing'), step('mx', 'failed', 'SERVFAIL'), step('srv', 'failed', 'SERVFAIL'), step('autoconfig', 'nothing')],
  }), '[data-found=nothing] .urgent'],
  'several-and-personal': [(language) => {
    const all = [candidate('mx', language, { host: 'smtp.ionos.de', preset: 'ionos', confidence: 'high' }), candidate('srv', language, {}),
      candidate('srv', language, { host: null, username: null, open: ['host', 'username'], port: 587, security: 'starttls', confidence: 'low' })];
    return { best: all[0], candidates: all, is_personal_address: true, steps: [step('domain_table', 'nothing'), step('mx', 'found', 'mx00.kundenserver.de'), step('srv', 'found', 'mail.verein.example')] };
  }, '[data-found=mx] details'],
  'public-database': [(language) => {
    const best = candidate('public_database', language, {});
    return { best, candidates: [best], can_ask_public_database: false, steps: [step('domain_table', 'nothing'), step('mx', 'nothing'), step('srv', 'nothing'), step('autoconfig', 'nothing'), step('public_database', 'found', 'mail.verein.example')] };
  }, '[data-found=public_database]'],
};

/** The empty page, and the address typed as a person types it. */
async function lookUp(page, url) {
  await openAnew(page, `${url}/#/settings/email`, '#from_email');
  await page.fill('#from_email', SENDER);
  await page.keyboard.press('Enter');
}

/** Nothing begun; what was being saved when the page was left is taken back as well. */
async function startOver(page, url) {
  await openAnew(page, `${url}/#/settings/email`, '[data-setup]');
  await eventually(async () => {
    await callApi(page, 'DELETE', '/v1/smtp/draft', null, { 'If-Match': '*' });
    assert.equal((await readSmtp(page)).draft, null);
  });
  await setupState(page, 'not_configured');
}

async function lookUps({ page, complaints }, url) {
  const where = '**/v1/smtp/discovery?*';

  await test('states: an address that is being looked up', () => withoutAnswer(page, where, async () => {
    await lookUp(page, url);
    await page.waitForSelector('.found.asking');
    await inspectForms(page, '73-asking');
  }));
  await startOver(page, url);

  await test('states: a look-up that failed', async () => {
    await withAnswer(page, where, null, () => problem, async () => {
      await lookUp(page, url);
      await untilText(page, '.found', /antwortet gerade nicht/);
      await inspectForms(page, '73-failed');
    }, 503);
    complaints.splice(0); // Chromium itself reports the refusal, and the request that was cut
  });
  await startOver(page, url);

  for (const [name, [make, sign]] of Object.entries(LOOK_UPS)) {
    await test(`states: an address that was looked up, ${name}`, () =>
      withAnswer(page, where, 'Discovery', (real, language) => ({ ...real, is_personal_address: false, ...make(language) }), async () => {
        await lookUp(page, url);
        await page.waitForSelector(sign);
        for (const fold of await page.$$('.found details:not([open]) > summary')) await fold.click();
        await inspectForms(page, `73-${name}`);
      }));
    await startOver(page, url);
  }
}

// --- In force ------------------------------------------------------------------------------------------------------------------

const RECORDS = {
  de: { wrong: 'Der Anbieter darf für diese Domain nicht senden.', gone: 'include:_spf.frueher.example: gibt es nicht', replaces: 'Ersetzt den Eintrag, der da ist.', revoked: 'Ein Schlüssel ist widerrufen.', none: 'Die Domain hat keinen DMARC-Eintrag.' },
  en: { wrong: 'The provider may not send for this domain.', gone: 'include:_spf.frueher.example: does not exist', replaces: 'Replaces the record that is there.', revoked: 'One key is revoked.', none: 'The domain has no DMARC record.' },
};

/** One record of each kind that is not as it should be, with all that can be said about it. */
function wrongRecords(real, language) {
  const words = RECORDS[language];
  return {
    ...real,
    spf: { ...real.spf, verdict: 'wrong', record: 'v=spf1 include:_spf.frueher.example -all', text: words.wrong, details: [words.gone],
      proposal: { type: 'TXT', name: 'verein.example.', value: 'v=spf1 include:_spf.frueher.example include:_spf-eu.ionos.com include:spf.sehr-langer-name-eines-anbieters.example -all', note: words.replaces } },
    dkim: { ...real.dkim, verdict: 'warning', record: 'v=DKIM1; k=rsa; p=', text: words.revoked, details: [],
      selectors: [{ selector: 's1-ionos', state: 'found', detail: '' }, { selector: 's2-ionos', state: 'revoked', detail: 'p=' }] },
    dmarc: { ...real.dmarc, verdict: 'missing', record: null, text: words.none, details: [], proposal: { type: 'TXT', name: '_dmarc.verein.example.', value: 'v=DMARC1; p=none', note: '' } },
  };
}

async function inForce({ page, complaints }, url, provider) {
  const home = () => openAnew(page, `${url}/#/settings/email`, '#test-mail-card');

  await test('states: real settings in force, sending switched on', async () => {
    await verifyApart(page, { host: 'localhost', port: Number(provider.port), security: 'implicit', from_email: SENDER, username: SENDER, password: PASSWORD });
    await eventually(async () => assert.equal((await readSmtp(page)).setup, 'complete'));
    await setSending(page, { enabled: true });
    await home();
    await page.waitForSelector('#domain-card [data-record=dmarc]');
    await inspectForms(page, '74-in-force');
  });

  await test('states: a test mail whose address the provider refuses', async () => {
    provider.state.recipientReply = '550 5.1.1 <niemand@verein.example>: Recipient address rejected: User unknown';
    await page.fill('#test_to', 'niemand@verein.example');
    await page.getByRole('button', { name: 'Testmail senden' }).click();
    await page.waitForSelector('.test-progress[data-state=rejected]');
    await inspectForms(page, '74-test-refused');
    provider.state.recipientReply = '250 2.1.5 OK';
  });

  await test('states: a provider that cannot be reached', async () => {
    const row = FAILURES.find(({ id }) => id === 'connect_timeout');
    const make = (real, language) => ({ ...real, health: { state: 'unreachable', at: real.sending.changed_at, diagnosis: {
      ...runElsewhere(real.last_verification, { failure: row.id, phase: 'connect', detail: 'ETIMEDOUT' }, language).diagnosis } } });
    await withAnswer(page, '**/v1/smtp', 'Status', make, () => withoutAnswer(page, '**/v1/smtp/events*', async () => {
      await home();
      await page.waitForSelector('.status.warn');
      await inspectForms(page, '74-unreachable');
    }));
  });

  await test('states: the domain card with records that are wrong, weak and missing', () => withAnswer(page, '**/v1/domain-checks', 'DomainCheck', wrongRecords, async () => {
    await home();
    await page.waitForSelector('#domain-card [data-verdict=wrong]');
    for (const fold of await page.$$('#domain-card details:not([open]) > summary')) await fold.click();
    await inspectForms(page, '75-wrong-records');
  }));

  await test('states: the domain card while it asks, and when nobody answers', async () => {
    await withoutAnswer(page, '**/v1/domain-checks', async () => {
      await home();
      await page.waitForSelector('#domain-card[aria-busy=true]');
      await inspectForms(page, '75-asking');
    });
    await withAnswer(page, '**/v1/domain-checks', null, () => problem, async () => {
      await home();
      await page.waitForSelector('#domain-card .notice.bad');
      await inspectForms(page, '75-failed');
    }, 503);
    complaints.splice(0); // Chromium itself reports the refusal
  });
}

export async function states() {
  const faulty = await startFaulty();
  const provider = await startProvider('was niemand weiß');
  const daemon = await startDaemon([...Object.values(faulty.ports), provider.port]);
  const browser = await openBrowser(daemon.url);
  try {
    await createAdmin(browser.page, daemon.setupLink);
    await provider.trustedBy(daemon.data);
    await lookUps(browser, daemon.url);
    await rungs(browser, faulty, provider);
    await elsewhere(browser);
    await inForce(browser, daemon.url, provider);
    await test('states: what was made up is what the service could have said', () => {
      assert.ok(new Set(madeUp.map(([schema]) => schema)).size >= 3);
      assert.deepEqual(madeUp.flatMap(([schema, answer]) => faultsAgainst(schema, answer)).slice(0, 5), []);
      assert.throws(() => faultsOf('x', { type: 'string', nullable: true }, 'a keyword that is none'), /nobody judges nullable/);
    });
    await test('states: nothing was said on the console, and no other host was asked', () => assert.deepEqual(browser.complaints, []));
  } finally {
    await browser.close();
    await daemon.stop();
    provider.close();
    faulty.close();
  }
}
