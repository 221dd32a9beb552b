// What people type and read as a server name or an address: xn-- labels decoded, pasted addresses taken apart, ports and encryption; and what a browser is called.
import assert from 'node:assert/strict';
import { domainToASCII } from 'node:url';
import { portFor, securityOfPort, takeApart } from '../../ui/destination.js';
import { deviceOf } from '../../ui/device.js';
import { DraftForm } from '../../ui/draft.js';
import { fieldOfRefusal, oauthNeeds, oauthStart, refusesRedirect } from '../../ui/oauth.js';
import { quoted } from '../../ui/powershell.js';
import { moment, span } from '../../ui/i18n.js';
import { readable } from '../../ui/domain.js';
import { authOf, exampleOf, perAccount } from '../../ui/preset.js';
import { valuesOf, valuesOfCandidate } from '../../ui/proposal.js';
import { faultOfRun } from '../../ui/run-fault.js';
import { test } from './tap.mjs';

const READABLE = [
  ['an address', 'info@xn--mller-bru-22a0x.de', 'info@müller-bräu.de'],
  ['a name and an address', 'Bräu <info@xn--mller-bru-22a0x.de>', 'Bräu <info@müller-bräu.de>'],
  ['every label', 'xn--mxa.xn--bcher-kva.example', 'xn--mxa.bücher.example'],
  ['capital letters', 'XN--BCHER-KVA.example', 'bücher.example'],
  ['no Latin letter at all', 'xn--wgv71a119e.jp', '日本語.jp'],
  ['letters that look like Latin ones stay coded', 'xn--80ak6aa92e.com', 'xn--80ak6aa92e.com'],
  ['two scripts in one label stay coded', 'xn--pple-43d.com', 'xn--pple-43d.com'],
  ['what decodes to plain letters stays coded', 'xn--abc-.com', 'xn--abc-.com'],
  ['what is no Punycode stays', 'xn--\u00fc.de xn--a!b xn--99999999', 'xn--\u00fc.de xn--a!b xn--99999999'],
  ['within a longer word it is no label', 'axn--bcher-kva', 'axn--bcher-kva'],
  ['plain text', 'smtp.ionos.de', 'smtp.ionos.de'],
  ['nothing', '', ''],
];

const MICROSOFT = { provider: 'microsoft', grant: 'client_secret', tenant: 'firma.de', device_url: '' };
const GENERIC = { provider: 'generic', grant: 'client_secret', device_url: '' };
/** The way to sign in, the actions of the diagnosis, the field that is at fault. */
const REFUSALS = [
  ['a network that fails is no fault of a field', MICROSOFT, ['ask_operator', 'retry_later'], undefined],
  ['nor is a name that is not found', MICROSOFT, ['retry_later'], undefined],
  ['nor is a clock', { ...MICROSOFT, grant: 'certificate' }, ['check_clock', 'retry_later'], undefined],
  ['a name that was typed in', GENERIC, ['enter_token_url', 'retry_later'], 'token_url'],
  ['what this provider has no field for', MICROSOFT, ['enter_token_url', 'enter_tenant'], 'tenant'],
  ['a secret', MICROSOFT, ['enter_oauth_secret', 'open_oauth_console'], 'client_secret'],
  ['a certificate', { ...MICROSOFT, grant: 'certificate' }, ['enter_oauth_secret'], 'private_key'],
  ['a service account', { provider: 'google', grant: 'service_account' }, ['enter_oauth_secret'], 'service_account_key'],
  ['an application', MICROSOFT, ['enter_client_id', 'enter_tenant'], 'client_id'],
  ['a mailbox', { provider: 'google', grant: 'service_account' }, ['use_address_as_username'], 'username'],
  ['a sign-in that is over', { ...MICROSOFT, grant: 'refresh_token' }, ['enter_oauth_secret', 'sign_in_again'], 'refresh_token'],
  ['an application does not sign in again', MICROSOFT, ['sign_in_again', 'ask_operator'], undefined],
];

/** The rung, the actions of the diagnosis, the field that gets the red frame. With a password. */
const FAULTS = [
  ['a wrong password', 'auth', ['enter_password_again', 'open_support'], 'password'],
  ['the account password where an app password belongs', 'auth', ['open_app_password', 'enter_password_again'], 'password'],
  ['a customer number as user name', 'auth', ['use_address_as_username', 'enter_password_again'], 'username'],
  ['the login that only the account shows', 'auth', ['use_mailbox_login', 'enter_password_again'], 'username'],
  ['SMTP AUTH that is switched off', 'auth', ['open_support', 'ask_operator'], null],
  ['a rule of the company', 'auth', ['ask_operator'], null],
  ['an account that is not activated', 'auth', [], null],
  ['too many logins', 'auth', ['retry_later'], null],
  ['another sender than that of the login', 'sender', ['use_from_of_login', 'open_support'], 'from_email'],
  ['a sender without another to offer', 'sender', [], 'from_email'],
  ['the limit of the day', 'sender', ['retry_later'], null],
  ['a port that is blocked, with another that is open', 'connect', ['use_sibling_port', 'ask_operator'], 'port'],
  ['a network that is down', 'connect', ['ask_operator', 'retry_later'], null],
  ['a sign-in page of the network', 'greeting', ['ask_operator', 'retry_later'], null],
  ['a blocklist', 'greeting', ['open_support'], null],
  ['a name that is not on the certificate', 'certificate', ['use_right_host'], 'host'],
  ['a name that is not on the certificate, and nobody knows a better one', 'certificate', [], 'host'],
  ['a clock', 'certificate', ['check_clock'], null],
  ['an inspecting firewall', 'certificate', ['ask_operator'], null],
  ['a server name that is not found', 'dns', [], 'host'],
  ['a test recipient that is refused', 'recipient', [], 'probe_recipient'],
  ['a resolver that does not answer', 'dns', ['ask_operator', 'retry_later'], null],
];

const REDIRECTS = [
  ['microsoft', 'http://127.0.0.1:8465/oauth/return', true], ['microsoft', 'http://localhost:8465/oauth/return', false],
  ['microsoft', 'https://mail.firma.de/oauth/return', false], ['microsoft', 'http://mail.firma.de/oauth/return', true],
  ['google', 'http://127.0.0.1:8465/oauth/return', false], ['google', 'http://[::1]:8465/oauth/return', false],
  ['google', 'http://mail.firma.de/oauth/return', true], ['generic', 'http://mail.firma.de/oauth/return', false],
];

const PASTED = [
  ['a name', 'smtp.ionos.de', 'smtp.ionos.de', ''],
  ['spaces around', '  smtp.ionos.de ', 'smtp.ionos.de', ''],
  ['a web address', 'https://smtp.ionos.de/', 'smtp.ionos.de', ''],
  ['a web address with its own port', 'https://smtp.ionos.de:443/path?x#y', 'smtp.ionos.de', ''],
  ['an SMTP address', 'smtp://smtp.ionos.de', 'smtp.ionos.de', ''],
  ['an SMTP address with user and port', 'smtps://me@smtp.ionos.de:465/', 'smtp.ionos.de', '465'],
  ['name and port', 'smtp.ionos.de:465', 'smtp.ionos.de', '465'],
  ['an umlaut', 'https://müller-bräu.de/', 'müller-bräu.de', ''],
  ['a final dot stays', 'localhost.', 'localhost.', ''],
  ['a mail address is none', 'info@ionos.de', 'info@ionos.de', ''],
  ['two words are none', 'smtp ionos.de', 'smtp ionos.de', ''],
  ['an IPv6 address is left alone', '::1', '::1', ''],
  ['nothing', ' ', '', ''],
];

const PORTS = [['465', 'implicit'], ['2465', 'implicit'], ['587', 'starttls'], ['588', 'starttls'], ['2525', 'starttls'], ['2587', 'starttls'],
  [' 465 ', 'implicit'], ['25', undefined], ['', undefined], ['abc', undefined]];

const CHANGES = [['implicit', '', '465'], ['implicit', '587', '465'], ['implicit', '2525', '465'], ['implicit', '2587', '2465'],
  ['starttls', '465', '587'], ['starttls', '2465', '2587'], ['starttls', '', ''], ['implicit', '465', '465'], ['starttls', '4711', '4711']];

/** As the pages say it on a Sunday at 14:05, in this place's time and in English. */
const NOW = new Date(2026, 10, 22, 14, 5).getTime();
const MOMENTS = [
  ['today', new Date(2026, 10, 22, 23, 59), /^today, 23:59$/],
  ['earlier today', new Date(2026, 10, 22, 0, 0), /^today, 00:00$/],
  ['tomorrow', new Date(2026, 10, 23, 0, 0), /^tomorrow, 00:00$/],
  ['yesterday', new Date(2026, 10, 21, 9, 30), /^yesterday, 09:30$/],
  ['within a week: the day', new Date(2026, 10, 28, 8, 0), /^Saturday, 08:00$/],
  ['a week ahead: the date', new Date(2026, 10, 29, 8, 0), /^Nov 29, 2026/],
  ['before yesterday: the date', new Date(2026, 10, 20, 8, 0), /^Nov 20, 2026/],
];
const SPANS = [[1, '1 second'], [89, '89 seconds'], [119, '1 minute'], [720, '12 minutes'], [5800, '1.6 hours'], [129600, '1.5 days']];

/** What choosing a provider writes: preset, what stood in the form, what stands there then. */
const IMPLICIT = [{ host: 'smtp.ionos.de', port: 465, security: 'implicit' }];
const CHOICES = [
  ['the full address needs no user name', { endpoints: IMPLICIT, username_template: '{email}' }, {}, { host: 'smtp.ionos.de', port: '465', security: 'implicit', username: '' }],
  ['a fixed user name is filled in', { endpoints: IMPLICIT, username_template: 'apikey' }, {}, { username: 'apikey' }],
  ['the part before the @', { endpoints: IMPLICIT, username_template: '{localpart}' }, { from_email: 'anna@firma.de' }, { username: 'anna' }],
  ['the part before the @ of nothing', { endpoints: IMPLICIT, username_template: '{localpart}' }, {}, { username: '' }],
  ['what differs per account is left to the person', { endpoints: [{ ...IMPLICIT[0], host: '<w0xxxxxx>.kasserver.com' }], username_template: '<m0xxxxxx>' },
    {}, { host: '', username: '' }],
  ['a typed address and password stay', { endpoints: IMPLICIT }, { from_email: 'a@b.de', password: 'x' }, { from_email: 'a@b.de', password: 'x' }],
  ['what another preset put there goes', { endpoints: IMPLICIT }, { from_email: 'sandbox@localhost.test', password: 'sandbox' }, { from_email: '', password: '' }],
];
const SANDBOX = { endpoints: IMPLICIT, from_email: 'sandbox@localhost.test', password_hint: 'sandbox' };
const EXAMPLES = [['smtp.ionos.de', 'smtp.ionos.de'], ['<w0xxxxxx>.kasserver.com', 'w0….kasserver.com'],
  ['email-smtp.<region>.amazonaws.com', 'email-smtp.region.amazonaws.com'], [undefined, '']];

async function presets() {
  for (const [name, preset, typed, expected] of CHOICES) {
    await test(`provider chosen: ${name}`, () => {
      const values = valuesOf(preset, { from_email: '', password: '', ...typed }, [SANDBOX]);
      for (const [field, value] of Object.entries(expected)) assert.equal(values[field], value, field);
    });
  }
  await test('a server name that differs per account is shown by what is known of it', () => {
    for (const [host, shown] of EXAMPLES) assert.equal(exampleOf(host), shown);
    assert.deepEqual([perAccount('<w0xxxxxx>.kasserver.com'), perAccount('smtp.ionos.de'), perAccount(null)], [true, false, false]);
  });
  await test('a found server names the user only if it is not the address', () => {
    const found = { host: 'smtp.ionos.de', port: 465, security: 'implicit', username: 'Info@Firma.de' };
    assert.deepEqual(valuesOfCandidate(found, 'info@firma.de'), { host: 'smtp.ionos.de', port: '465', security: 'implicit', username: '' });
    assert.equal(valuesOfCandidate({ ...found, username: 'm0123' }, 'info@firma.de').username, 'm0123');
    assert.equal(valuesOfCandidate({ ...found, host: null }, 'info@firma.de').host, '');
  });
  await test('how one signs in follows the preset, and is a password where nothing else is known', () => {
    assert.deepEqual([authOf(null), authOf({ auth: 'oauth2_only' }), authOf({ password: { app_password: 'required' } })], ['password', 'oauth2_only', 'app_password']);
  });
}

async function oauth() {
  await test('OAuth2 begins with what the provider is known for, and what fits it stays', () => {
    const nothing = { provider: '', grant: '', tenant: '', token_url: '', authorize_url: '', scope: '' };
    const microsoft = { oauth: { provider: 'microsoft', grants: ['certificate', 'client_secret', 'refresh_token'], tenant: null } };
    const personal = { oauth: { provider: 'microsoft', grants: ['refresh_token'], tenant: 'consumers' } };
    const ways = ({ provider, grant, tenant }) => [provider, grant, tenant];
    assert.deepEqual(ways(oauthStart(microsoft, nothing)), ['microsoft', 'client_secret', '']);
    assert.deepEqual(ways(oauthStart(microsoft, { ...nothing, provider: 'microsoft', grant: 'certificate', tenant: 'firma.de' })), ['microsoft', 'certificate', 'firma.de']);
    assert.deepEqual(ways(oauthStart(microsoft, { ...nothing, provider: 'google', grant: 'service_account', tenant: 'x' })), ['microsoft', 'client_secret', '']);
    assert.deepEqual(ways(oauthStart(personal, { ...nothing, provider: 'microsoft', grant: 'certificate' })), ['microsoft', 'refresh_token', 'consumers']);
    assert.deepEqual(ways(oauthStart(null, nothing)), ['generic', 'client_secret', '']);
  });
  await test('OAuth2 asks for what its way takes, and for nothing else', () => {
    const needs = (provider, grant, more = {}) => oauthNeeds({ provider, grant, device_url: '', ...more }).sort();
    assert.deepEqual(needs('microsoft', 'client_secret'), ['client_id', 'client_secret', 'tenant']);
    assert.deepEqual(needs('microsoft', 'certificate'), ['certificate', 'client_id', 'private_key', 'tenant']);
    assert.deepEqual(needs('google', 'service_account'), ['service_account_key']);
    assert.deepEqual(needs('google', 'refresh_token'), ['client_id', 'client_secret', 'refresh_token']);
    assert.deepEqual(needs('generic', 'refresh_token'), ['authorize_url', 'client_id', 'refresh_token', 'scope', 'token_url']);
    assert.ok(!needs('generic', 'refresh_token', { device_url: 'https://a.example/d' }).includes('authorize_url'));
  });
  for (const [name, form, codes, field] of REFUSALS) {
    await test(`a token that is not handed out is mended where it belongs: ${name}`, () => {
      assert.equal(fieldOfRefusal(codes.map((code) => ({ code })), form), field);
      const run = { state: 'failed', phases: [{ name: 'token', state: 'failed' }], diagnosis: { meaning: 'Nein.', actions: codes.map((code) => ({ code })) } };
      assert.deepEqual(faultOfRun(run, { ...form, auth: 'oauth2' }), field ? { name: field, text: 'Nein.' } : null);
    });
  }
  for (const [name, phase, codes, field] of FAULTS) {
    await test(`the red frame is where the diagnosis mends it: ${name}`, () => {
      const run = { state: 'failed', phases: [{ name: phase, state: 'failed' }], diagnosis: { meaning: 'Nein.', actions: codes.map((code) => ({ code })) } };
      assert.deepEqual(faultOfRun(run, { auth: 'auto' }), field ? { name: field, text: 'Nein.' } : null);
    });
  }
  for (const [provider, address, refused] of REDIRECTS) {
    await test(`a redirect address: ${provider} ${refused ? 'refuses' : 'takes'} ${address}`, () => assert.equal(refusesRedirect(provider, address), refused));
  }
  await test('what is typed comes into a line for PowerShell as a text, whatever quotation marks are in it', () => {
    assert.deepEqual(["o'hara@firma.de", 'a\u2019; Remove-Mailbox', '$(x) `y'].map(quoted), ["'o''hara@firma.de'", "'a\u2019\u2019; Remove-Mailbox'", "'$(x) `y'"]);
  });
}

export async function names() {
  await presets();
  await oauth();
  await test('a browser and its system are told by what it says of itself', () => {
    const said = [
      ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36', 'Chrome', 'Linux'],
      ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0', 'Edge', 'Windows'],
      ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0', 'Firefox', 'macOS'],
      ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1', 'Safari', 'iOS'],
      ['Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36', 'Samsung Internet', 'Android'],
      ['curl/7.88.1', 'curl', ''], ['', '', ''], [null, '', ''],
    ];
    for (const [agent, browser, system] of said) assert.deepEqual(deviceOf(agent), { browser, system }, agent);
  });
  for (const [name, at, expected] of MOMENTS) await test(`moments: ${name}`, () => assert.match(moment(at.toISOString(), NOW), expected));
  await test('how long it takes at least is rounded down', () => {
    for (const [seconds, expected] of SPANS) assert.equal(span(seconds), expected);
  });
  for (const [name, given, expected] of READABLE) await test(`domains: ${name}`, () => assert.equal(readable(given), expected));
  await test('domains: what is encoded is decoded', () => {
    for (const domain of ['straßenbahn-süd.de', 'ñandú.example', 'łódź.pl', 'bücher-und-müsli-für-alle-größen.de', '例え.jp', 'đặng.vn']) {
      assert.equal(readable(domainToASCII(domain)), domain);
    }
  });
  for (const [name, given, host, port] of PASTED) await test(`server name: ${name}`, () => assert.deepEqual(takeApart(given), { host, port }));
  await test('what a proposal has put into the form is on record, but for the password', () => {
    const draft = new DraftForm(() => {});
    draft.setMany = (values) => Object.assign(draft.form, values); // nothing is saved here
    draft.propose({ host: 'localhost', password: 'sandbox' });
    assert.equal(draft.form.password, 'sandbox');
    assert.ok(!draft.isTyped('host'));
    assert.doesNotMatch(JSON.stringify(draft.proposed), /password|sandbox/);
  });
  await test('the server of another address goes with its port and the way to sign in there; what a person typed stays', () => {
    const draft = new DraftForm(() => {});
    draft.setMany = (values) => Object.assign(draft.form, values); // nothing is saved here
    draft.propose({ host: 'securesmtp.t-online.de', port: '465', security: 'implicit', username: '' });
    draft.withdraw();
    assert.deepEqual(['host', 'port', 'security', 'username', 'auth'].map((name) => draft.form[name]), ['', '', '', '', 'auto']);
    draft.propose({ host: 'smtp.office365.com', port: '587', auth: 'oauth2' });
    draft.form.port = '2525';
    draft.withdraw();
    assert.deepEqual(['host', 'port', 'auth'].map((name) => draft.form[name]), ['', '2525', 'auto']);
  });
  await test('what is left from the settings in force is told from what a person or a tile has put there', () => {
    const draft = new DraftForm(() => {});
    draft.setMany = (values) => Object.assign(draft.form, values);
    const active = { host: 'localhost', port: 2525, security: 'starttls', username: 'sandbox@localhost', from_email: 'sandbox@localhost.test', quota: {}, password: { set: true } };
    draft.adopt({ draft: null, active });
    draft.form.from_email = 'info@segelclub.example';
    assert.deepEqual([draft.isLeft('host'), draft.takesProposals()], [true, true]);
    draft.propose({ host: 'localhost' }); // by the tile
    assert.deepEqual([draft.isLeft('host'), draft.isTyped('host')], [false, false]);
    draft.proposed = {};
    draft.touched.add('host');
    assert.deepEqual([draft.isLeft('host'), draft.isTyped('host')], [false, true]);
    draft.touched.clear();
    draft.withdraw();
    assert.deepEqual(['host', 'port', 'username'].map((name) => draft.form[name]), ['', '', '']);
  });
  await test('the address typed as user name stays, and goes along as soon as the sender is another', () => {
    const draft = new DraftForm(() => {});
    const active = { host: 'smtp.example.com', port: 587, security: 'starttls', username: null, from_email: 'office@example.com', quota: {}, password: { set: true } };
    const type = (name, value) => {
      draft.set(name, value);
      clearTimeout(draft.timer); // nothing is saved here
    };
    draft.adopt({ draft: null, active });
    type('username', 'office@example.com');
    assert.deepEqual(draft.edited(), [], 'it says nothing new');
    draft.sent = { username: 'office@example.com' };
    draft.adopt({ draft: null, active }, true); // and so the service leaves it out
    draft.sent = {};
    assert.equal(draft.form.username, 'office@example.com');
    type('from_email', 'info@example.com');
    assert.deepEqual(draft.edited().sort(), ['from_email', 'username']);
  });
  await test('what is typed back while another value is on its way to the server stays, and so does what is on its way', () => {
    const before = { host: 'smtp.example.com', port: 465, security: 'implicit', username: null, from_email: 'office@example.com', quota: {}, password: { set: true } };
    const draft = new DraftForm(() => {});
    draft.adopt({ draft: before, active: null });
    draft.form.port = '2465';
    draft.sent = { port: '2465' };
    draft.adopt({ draft: before, active: null }); // of something else that has happened
    assert.equal(draft.form.port, '2465');
    draft.form.port = '465';
    draft.adopt({ draft: { ...before, port: 2465 }, active: null }); // the event comes first
    draft.adopt({ draft: { ...before, port: 2465 }, active: null }, true);
    assert.equal(draft.form.port, '465');
    assert.deepEqual(draft.edited(), ['port']);
  });
  await test('a well-known port names its encryption', () => {
    for (const [port, security] of PORTS) assert.equal(securityOfPort(port), security, port);
  });
  await test('a change of encryption takes the usual port along, and leaves any other', () => {
    for (const [security, from, to] of CHANGES) assert.equal(portFor(security, from), to, `${security} ${from}`);
  });
}
