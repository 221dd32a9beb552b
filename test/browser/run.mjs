// Runs the suites of the pages, all or those named: node test/browser/run.mjs [SUITE...]. Several run two at a time, in processes of their own.
// BROWSER_PICTURES=1 leaves pictures of the pages in build/screenshots, BROWSER_SLOWER=4 lets them run at a quarter of their speed.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { plan, test } from './tap.mjs';

// First what tells something at once, then the longest, so that the lanes end together.
const SUITES = {
  names: async () => (await import('./names.mjs')).names(),
  i18n: async () => (await import('./i18n.mjs')).i18n(),
  mime: async () => (await import('./mime.mjs')).mime(),
  oauth: async () => (await import('./oauth.mjs')).oauth(),
  providers: async () => (await import('./providers.mjs')).providers(),
  faults: async () => (await import('./faults.mjs')).faults(),
  'admin-de': async () => (await import('./admin.mjs')).admin('de'),
  'admin-en': async () => (await import('./admin.mjs')).admin('en'),
  outbox: async () => (await import('./outbox.mjs')).outbox(),
  'people-de': async () => (await import('./people.mjs')).people('de'),
  'people-en': async () => (await import('./people.mjs')).people('en'),
  cards: async () => (await import('./cards.mjs')).cards(),
  mails: async () => (await import('./mails.mjs')).mails(),
  'flow-de': async () => (await import('./flow.mjs')).flow('de'),
  'flow-en': async () => (await import('./flow.mjs')).flow('en'),
};

const AT_ONCE = 2; // much of a suite is waiting
const SECONDS = 600; // for one, on the slowest machine

/** One suite, here. */
async function run(name) {
  try {
    await SUITES[name]();
  } catch (error) {
    await test(`${name} runs to its end`, () => { throw error; });
  }
  plan();
}

/** One suite in a process of its own; what it said. */
function runApart(name) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), name], { stdio: ['ignore', 'pipe', 'inherit'] });
    const timer = setTimeout(() => child.kill(), SECONDS * 1000);
    let said = '';
    child.stdout.on('data', (chunk) => { said += chunk; });
    child.once('close', (code) => {
      clearTimeout(timer);
      const isSilent = code !== 0 && !/^not ok/m.test(said);
      resolve({ ok: code === 0, said: isSilent ? `${said}not ok - ${name} ended with ${code}\n` : said });
    });
  });
}

async function runAll(names) {
  const waiting = [...names];
  let ok = true;
  const lane = async () => {
    while (waiting.length) {
      const name = waiting.shift(), started = Date.now();
      const end = await runApart(name);
      ok &&= end.ok;
      console.log(`# ${name}: ${Math.round((Date.now() - started) / 1000)} s\n${end.said}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  process.exitCode = ok ? 0 : 1;
}

const wanted = process.argv.slice(2);
if (wanted.length === 1) await run(wanted[0]);
else await runAll(wanted.length ? wanted : Object.keys(SUITES));
