// Runs the suites of the pages, all or those named: node test/browser/run.mjs [i18n] [names] [mime] [flow] [faults] [providers] [outbox]
import { plan, test } from './tap.mjs';

const SUITES = {
  i18n: async () => (await import('./i18n.mjs')).i18n(),
  names: async () => (await import('./names.mjs')).names(),
  mime: async () => (await import('./mime.mjs')).mime(),
  flow: async () => {
    const { flow } = await import('./flow.mjs');
    await flow('de');
    await flow('en');
  },
  faults: async () => (await import('./faults.mjs')).faults(),
  providers: async () => (await import('./providers.mjs')).providers(),
  cards: async () => (await import('./cards.mjs')).cards(),
  outbox: async () => (await import('./outbox.mjs')).outbox(),
};

const wanted = process.argv.slice(2);
for (const [name, run] of Object.entries(SUITES)) {
  if (wanted.length && !wanted.includes(name)) continue;
  try {
    await run();
  } catch (error) {
    await test(`${name} runs to its end`, () => { throw error; });
  }
}
plan();
