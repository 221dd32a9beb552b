// What is about the domain of the sender, and what is pasted: the domain card, the headers of a received mail, bounces and logs.
import assert from 'node:assert/strict';
import { eventually, inspect, inspectForms } from './browser.mjs';
import { clipboard, discard, openForm, settings, setupState, text, unfold, untilAnnounced, untilText } from './steps.mjs';
import { test } from './tap.mjs';

const headersOf = (domain) => ['Received: from mout.kundenserver.de (mout.kundenserver.de [212.227.126.131]) by mx.example.net with ESMTPS; Sun, 22 Nov 2026 10:00:07 +0000',
  `Authentication-Results: mx.example.net; spf=pass smtp.mailfrom=sandbox@${domain}; dkim=pass header.d=${domain} header.s=sel1; dmarc=pass header.from=${domain}`,
  `DKIM-Signature: v=1; a=rsa-sha256; d=${domain}; s=sel1; h=from; bh=AAAA; b=AAAA`, 'Date: Sun, 22 Nov 2026 10:00:00 +0000',
  `From: Absender <sandbox@${domain}>`, 'Subject: Test', ''].join('\r\n');

/** What is asked at this address meanwhile takes its time. */
async function slowly(page, where, body) {
  await page.route(where, async (route) => {
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    await route.continue();
  });
  await body();
  await page.unroute(where);
}

const IT_LINES = ['host smtp.ionos.de said: 530 5.7.0 Must issue a STARTTLS command first (in reply to MAIL FROM command)',
  'host smtp.ionos.de said: 550 5.7.25 The IP address sending this message does not have a PTR record (in reply to RCPT TO command)'];

/** Settings of a provider are in force, with this domain as the sender's. */
export async function domain(url, page, sender) {
  await test('the domain card asks for itself, and again when asked to; the button keeps the focus meanwhile', async () => {
    await settings(page, url);
    await page.waitForSelector('#domain-card [data-record=dmarc]');
    const verdicts = await page.$$eval('#domain-card [data-record]', (rows) => rows.map((row) => row.dataset.verdict));
    assert.equal(verdicts.length, 3);
    await slowly(page, '**/v1/domain-checks', async () => {
      await page.getByRole('button', { name: 'Erneut prüfen' }).click();
      await untilAnnounced(page, /^SPF: .*, DKIM: .*, DMARC: /);
    });
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Erneut prüfen');
  });

  await test('while the address is typed, the DNS is not asked about every piece of it', async () => {
    const asked = [];
    const listen = (request) => { if (request.url().endsWith('/v1/domain-checks')) asked.push(request.postDataJSON().domain); };
    await page.goto(`${url}/#/settings/email/domain`);
    await openForm(page);
    await page.waitForSelector('#domain-card [data-record=dmarc]');
    page.on('request', listen);
    await page.fill('#from_email', '');
    await page.$eval('#from_email', (input) => { // key by key, and no machine is so slow that it looks like a pause
      for (const key of 'post@neuedomain.test') {
        input.value += key;
        input.dispatchEvent(new InputEvent('input', { bubbles: true, data: key }));
      }
    });
    await eventually(() => assert.ok(asked.includes('neuedomain.test')));
    page.off('request', listen);
    assert.ok(asked.length <= 3, asked.join(' '));
    await discard(page);
    await setupState(page, 'complete');
    await page.getByRole('button', { name: 'Schließen' }).click();
  });

  await test('pasted headers say what the receiver saw, and what is learned goes into the next domain check', async () => {
    await page.reload();
    await page.waitForSelector('#domain-card [data-record=dmarc]');
    await unfold(page, 'header-check');
    await page.locator('#header-check button[type=submit]').click();
    await page.waitForSelector('#headers_text[aria-invalid=true]');
    assert.match(await page.getAttribute('#headers_text', 'aria-describedby'), /headers_text-fault/);
    await page.fill('#headers_text', headersOf(sender));
    const asked = page.waitForRequest('**/v1/domain-checks');
    await page.locator('#header-check button[type=submit]').click();
    await page.waitForSelector('.read-out');
    await untilText(page, '[data-result=spf]', /Bestanden/);
    await untilText(page, '[data-result=dkim]', new RegExp(`Signiert von ${sender} \\(Selektor sel1\\), passend`));
    await asked;
    await untilText(page, '[data-record=dkim]', /sel1/);
    await inspectForms(page, '64-headers');
  });

  await test('a pasted bounce is explained line by line, and what is none says so', async () => {
    await unfold(page, 'bounce-box');
    await page.fill('#bounce_text', 'Guten Tag');
    await page.locator('#bounce-box button[type=submit]').click();
    await untilText(page, '#bounce-box .notice', /keine Antwort eines Mailservers/);
    await page.fill('#bounce_text', 'host smtp.ionos.de said: 535 5.7.8 Authentication credentials invalid (in reply to AUTH PLAIN)');
    await slowly(page, '**/v1/diagnoses', async () => {
      await page.locator('#bounce-box button[type=submit]').click();
      await page.waitForSelector('#bounce-box [data-diagnosis]');
    });
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Erklären', 'the button keeps the focus');
    await untilText(page, '#bounce-box .said', /535/);
    await inspectForms(page, '65-bounce');
  });

  await test('each text for somebody else is the one its button copies', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.fill('#bounce_text', IT_LINES.join('\n'));
    await page.locator('#bounce-box button[type=submit]').click();
    await eventually(async () => assert.equal(await page.locator('#bounce-box .for-others').count(), IT_LINES.length));
    for (let i = 0; i < IT_LINES.length; i += 1) {
      const box = page.locator('#bounce-box .for-others').nth(i);
      await box.locator('summary').click();
      await box.locator('button').click();
      await eventually(async () => assert.equal(await clipboard(page), await box.locator('p').textContent()));
    }
    const texts = await page.locator('#bounce-box .for-others p').allTextContents();
    assert.equal(new Set(texts).size, IT_LINES.length, 'they differ');
    await inspectForms(page, '65b-for-others');
    assert.ok(await page.evaluate(() => [...document.querySelectorAll('[id]')].every(({ id }, i, all) => all.findIndex((one) => one.id === id) === i)), 'no id twice');
  });

  await test('the pages of the manual stand what the pages of the program stand', async () => {
    await page.goto(`${url}/manual/de/login.html`);
    await inspect(page, 'de-59-manual');
  });
}
