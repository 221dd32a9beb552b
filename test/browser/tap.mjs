// TAP on standard output: one line a statement, the plan at the end.
let count = 0;
let failed = 0;

/** Runs one statement; what it throws becomes the diagnostic below its "not ok". */
export async function test(name, body) {
  count += 1;
  try {
    await body();
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`not ok ${count} - ${name}`);
    for (const line of String(error?.stack ?? error).split('\n').slice(0, 14)) console.log(`# ${line}`);
  }
}

export function plan() {
  console.log(`1..${count}`);
  process.exitCode = failed ? 1 : 0;
}
