// Runs the suites of the pages, all or those named: node test/browser/run.mjs [SUITE...]. Several run in lanes: processes that take
// one suite after the other and keep their Chromium between them. BROWSER_PICTURES=1 leaves pictures of the pages in build/screenshots,
// BROWSER_SLOWER=4 lets them run at a quarter of their speed.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endChromium } from './browser.mjs';
import { plan, test } from './tap.mjs';

// First what tells something at once, then the longest, so that the lanes end together.
const SUITES = {
  names: async () => (await import('./names.mjs')).names(),
  i18n: async () => (await import('./i18n.mjs')).i18n(),
  mime: async () => (await import('./mime.mjs')).mime(),
  manual: async () => (await import('./manual.mjs')).manual(),
  oauth: async () => (await import('./oauth.mjs')).oauth(),
  providers: async () => (await import('./providers.mjs')).providers(),
  states: async () => (await import('./states.mjs')).states(),
  cards: async () => (await import('./cards.mjs')).cards(),
  faults: async () => (await import('./faults.mjs')).faults(),
  'admin-de': async () => (await import('./admin.mjs')).admin('de'),
  'admin-en': async () => (await import('./admin.mjs')).admin('en'),
  outbox: async () => (await import('./outbox.mjs')).outbox(),
  'people-de': async () => (await import('./people.mjs')).people('de'),
  'people-en': async () => (await import('./people.mjs')).people('en'),
  keyboard: async () => (await import('./keyboard.mjs')).keyboard(),
  scenes: async () => (await import('./scenes.mjs')).scenes(),
  mails: async () => (await import('./mails.mjs')).mails(),
  foreign: async () => (await import('./foreign.mjs')).foreign(),
  'booking-de': async () => (await import('./booking.mjs')).booking('de'),
  'booking-en': async () => (await import('./booking.mjs')).booking('en'),
  'flow-de': async () => (await import('./flow.mjs')).flow('de'),
  'flow-en': async () => (await import('./flow.mjs')).flow('en'),
};

const LANES = 3; // much of a suite is waiting
const SECONDS = 600; // for one, on the slowest machine
const LANE = '--lane'; // how a lane is told that it is one: the names of its suites come on its standard input

/** One suite, here. */
async function run(name) {
  try {
    await SUITES[name]();
  } catch (error) {
    await test(`${name} runs to its end`, () => { throw error; });
  }
  plan(); // the last line of every suite
}

async function runHere(names) {
  for await (const name of names) await run(name);
  await endChromium();
}

/** A process that runs what it is given: { run(name), end() }; run answers what the suite said, which ends with its plan unless it broke. */
function startLane() {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), LANE], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => { child.once('close', resolve); });
  child.stdin.on('error', () => {}); // it is gone: its end says so
  let take = () => {};
  createInterface({ input: child.stdout }).on('line', (line) => take(line));
  return {
    run: (name) => new Promise((resolve) => {
      const said = [];
      const timer = setTimeout(() => child.kill(), SECONDS * 1000);
      const finish = (isWhole) => {
        clearTimeout(timer);
        resolve({ isWhole, said });
      };
      take = (line) => {
        said.push(line);
        if (/^1\.\.\d+$/.test(line)) finish(true);
      };
      ended.then(() => finish(false));
      child.stdin.write(`${name}\n`);
    }),
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

async function runInLanes(names) {
  const waiting = [...names];
  const work = async () => {
    let lane = startLane();
    while (waiting.length) {
      const name = waiting.shift(), started = Date.now();
      const { isWhole, said } = await lane.run(name);
      if (!isWhole) {
        said.push(`not ok - ${name} broke off`);
        lane = startLane();
      }
      if (said.some((line) => line.startsWith('not ok'))) process.exitCode = 1;
      console.log([`# ${name}: ${Math.round((Date.now() - started) / 1000)} s`, ...said].join('\n'));
    }
    await lane.end();
  };
  await Promise.all(Array.from({ length: Math.min(LANES, names.length) }, work));
}

const wanted = process.argv.slice(2);
if (wanted[0] === LANE) await runHere(createInterface({ input: process.stdin }));
else if (wanted.length === 1) await runHere(wanted);
else await runInLanes(wanted.length ? wanted : Object.keys(SUITES));
