// The servers around Absender that a Python program of test/real plays: it tells of itself in one line of JSON and goes on until its
// standard input ends.
import { spawn } from 'node:child_process';

/** What the program test/real/NAME.py tells, and end(). */
export async function startWorld(name, ...more) {
  const child = spawn('python3', [new URL(`../real/${name}.py`, import.meta.url).pathname, ...more], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  const line = await new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
      if (said.includes('\n')) resolve(said);
    });
    child.once('error', reject);
    ended.then((status) => reject(new Error(`${name} ended with ${status}`)));
  });
  return {
    ...JSON.parse(line),
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
