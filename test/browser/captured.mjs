// What the sandbox has captured, as somebody finds it in a mailbox.
import assert from 'node:assert/strict';
import { eventually } from './browser.mjs';
import { callApi } from './steps.mjs';

/** The link of a test mail in the newest captured mail to that address. */
export async function linkFor(page, to) {
  let link = '';
  await eventually(async () => {
    const { body } = await callApi(page, 'GET', '/v1/sandbox/messages?limit=10');
    const found = body.data.find((mail) => [].concat(mail.to).some((one) => one.includes(to)));
    assert.ok(found, `no mail to ${to}`);
    const raw = await page.evaluate(async (id) => (await fetch(`/v1/sandbox/messages/${id}/raw`)).text(), found.id);
    link = /http\S*\/#\/arrived\/[\w-]+/.exec(raw.replaceAll('=\r\n', '').replaceAll('=3D', '='))?.[0];
    assert.ok(link, 'a link in it');
  });
  return link;
}
