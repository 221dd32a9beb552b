// The real program, in development mode, on a port of its own, with data in a folder that is removed afterwards.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PROGRAM = process.env.ABSENDER_PROGRAM ?? new URL('../../build/absender', import.meta.url).pathname;
const START_MS = 120000; // only what hangs takes as long
const STOP_MS = 60000;

const FIRST_PORT = 24576, PORTS = 8192; // below those that the system gives to outgoing connections; test/harness/ports.py stays below these
let asked = process.pid * 16;

const isFree = (port) => new Promise((resolve) => {
  const server = createServer().once('error', () => resolve(false));
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
});

/** A port that nobody listens on, each time another: an outage's end wants its own again. */
async function freePort() {
  for (;;) {
    const port = FIRST_PORT + (asked++ % PORTS);
    if (await isFree(port)) return String(port);
  }
}

/** Starts it once: { child, url, setupLink } when it listens; setupLink only on the first start of its data. */
async function launch(data, [listen, ...ports], more, isFirst) {
  const [starttls, implicit] = ports; // of the sandbox; all of them may be named in the settings
  const child = spawn(PROGRAM, ['serve', '--dev', '--data', data, '--listen', `127.0.0.1:${listen}`,
    '--sandbox-starttls-port', starttls, '--sandbox-implicit-port', implicit, ...ports.flatMap((port) => ['--allow-port', port]), ...more],
  { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8', LANGUAGE: '' } });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  let said = '';
  const end = async () => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill('SIGTERM');
    const status = await ended;
    clearTimeout(timer);
    return status;
  };

  let timer = 0;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`the daemon did not start:\n${said}`)), START_MS);
      const read = (chunk) => {
        said = (said + chunk).slice(-20000);
        const url = /listening on (http:\/\/\S+)/.exec(said)?.[1];
        const setupLink = /First admin: (http:\/\/\S+)/.exec(said)?.[1];
        if (url && (setupLink || !isFirst)) resolve({ url: url.replace(/\/$/, ''), setupLink, end });
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', reject);
      ended.then((status) => reject(new Error(`the daemon ended with ${status}:\n${said}`)));
    });
  } catch (error) {
    await end();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * { url, setupLink, data, down(), up(), stop() }, once it listens; down and up are an outage with the same data at the same address.
 * more: arguments besides.
 */
export async function startDaemon(morePorts = [], more = []) {
  const folder = await mkdtemp(join(tmpdir(), 'absender-browser-'));
  const data = join(folder, 'data');
  const ports = [await freePort(), await freePort(), await freePort(), ...morePorts];
  try {
    let running = await launch(data, ports, more, true);
    const { url, setupLink } = running;
    return {
      url, setupLink, data,
      down: () => running.end(),
      up: async () => { running = await launch(data, ports, more, false); },
      stop: async () => {
        const status = await running.end();
        await rm(folder, { recursive: true, force: true });
        return status;
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
