// The real program, in development mode, on a port of its own, with data in a folder that is removed afterwards.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = process.env.ABSENDER_PROGRAM ?? new URL('../../build/absender', import.meta.url).pathname;
const START_MS = 30000;
const STOP_MS = 15000;

/** A port that nobody listens on at this moment. */
const freePort = () => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(String(port)));
  });
});

/** { url, setupLink, stop() }, once it listens. */
export async function startDaemon() {
  const data = await mkdtemp(join(tmpdir(), 'absender-browser-'));
  const [starttls, implicit] = [await freePort(), await freePort()];
  const child = spawn(PROGRAM, ['serve', '--dev', '--data', join(data, 'data'), '--listen', '127.0.0.1:0',
    '--sandbox-starttls-port', starttls, '--sandbox-implicit-port', implicit, '--allow-port', starttls, '--allow-port', implicit],
  { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8', LANGUAGE: '' } });
  const ended = new Promise((resolve) => { child.once('exit', resolve); });
  let said = '';

  const stop = async () => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill('SIGTERM');
    const status = await ended;
    clearTimeout(timer);
    await rm(data, { recursive: true, force: true });
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
        if (url && setupLink) resolve({ url: url.replace(/\/$/, ''), setupLink, stop });
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', reject);
      ended.then((status) => reject(new Error(`the daemon ended with ${status}:\n${said}`)));
    });
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
