// TAP on standard output: one line a statement, the plan at the end.
let count = 0;
let failed = 0;

/** Runs one statement; what it throws becomes the diagnostic below its "not ok", and how long it took stands beside it. */
export async function test(name, body) {
  const started = performance.now();
  const took = () => `# time=${Math.round(performance.now() - started)}ms`;
  count += 1;
  try {
    await body();
    console.log(`ok ${count} - ${name} ${took()}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${count} - ${name} ${took()}`);
    for (const line of String(error?.stack ?? error).split('\n').slice(0, 14)) console.log(`# ${line}`);
  }
}

/** For statements that stand on each other: after the first that fails, the rest is not tried. */
export function chain(prefix) {
  let broken = false;
  return (name, body) => test(prefix + name, async () => {
    if (broken) throw 'not tried: an earlier step failed'; // no stack: it says nothing
    broken = true;
    await body();
    broken = false;
  });
}

/** The end of a suite; the next one counts from one again. */
export function plan() {
  console.log(`1..${count}`);
  if (failed) process.exitCode = 1;
  count = 0;
  failed = 0;
}
