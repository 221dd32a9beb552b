// Every diagnosis leads to its place in the manual: the page is served, and what the address names stands on it. Over HTTP: no browser is needed.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { startDaemon } from './daemon.mjs';
import { test } from './tap.mjs';

const FAILURES = JSON.parse(await readFile(new URL('../../data/failures.json', import.meta.url), 'utf8')).failures;

export async function manual() {
  const daemon = await startDaemon();
  try {
    for (const language of ['de', 'en']) {
      const pages = new Map();
      const read = async (topic) => {
        const answer = await fetch(`${daemon.url}/manual/${language}/${topic}.html`);
        assert.equal(answer.status, 200, `${language}/${topic}`);
        assert.match(answer.headers.get('content-type'), /^text\/html/);
        return answer.text();
      };

      await test(`manual, ${language}: each of the ${FAILURES.length} diagnoses has its paragraph on the page that its link leads to`, async () => {
        assert.ok(FAILURES.length > 150);
        for (const { id, topic } of FAILURES) {
          if (!pages.has(topic)) pages.set(topic, await read(topic));
          assert.ok(pages.get(topic).includes(`id="${id}"`), `#${id} stands in ${language}/${topic}.html`);
        }
      });

      await test(`manual, ${language}: links within the manual lead somewhere, and to what they name`, async () => {
        for (const [topic, page] of pages) {
          for (const [, href] of page.matchAll(/href="([^"]+)"/g)) {
            const to = new URL(href, `${daemon.url}/manual/${language}/${topic}.html`);
            if (to.origin !== new URL(daemon.url).origin) continue;
            const answer = await fetch(to);
            assert.equal(answer.status, 200, `${topic}: ${href}`);
            if (to.hash) assert.ok((await answer.text()).includes(`id="${decodeURIComponent(to.hash.slice(1))}"`), `${topic}: ${href}`);
            else await answer.arrayBuffer();
          }
        }
      });
    }
  } finally {
    await daemon.stop();
  }
}
