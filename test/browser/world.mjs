// The servers around Absender that a Python program of test/real plays: it tells of itself in one line of JSON and goes on until its
// standard input ends.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What the program test/real/NAME.py tells, and end(). heard: what it says after that, an object a line. */
export async function startWorld(name, ...more) {
  const child = spawn('python3', [new URL(`../real/${name}.py`, import.meta.url).pathname, ...more], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  const heard = [];
  await new Promise((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      heard.push(JSON.parse(line));
      resolve();
    });
    child.once('error', reject);
    ended.then((status) => reject(new Error(`${name} ended with ${status}`)));
  });
  return {
    ...heard.shift(),
    heard,
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
