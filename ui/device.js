// What a browser says of itself, in two words: its name and the system it runs on.
const BROWSERS = [[/\bEdg(?:e|A|iOS)?\//, 'Edge'], [/\bOPR\//, 'Opera'], [/\b(?:Firefox|FxiOS)\//, 'Firefox'], [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Chrome|Chromium|HeadlessChrome|CriOS)\//, 'Chrome'], [/\bSafari\//, 'Safari'], [/^curl\//, 'curl']];
const SYSTEMS = [[/\bAndroid\b/, 'Android'], [/\b(?:iPhone|iPad|iPod)\b/, 'iOS'], [/\bWindows\b/, 'Windows'], [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'], [/\bLinux\b/, 'Linux']];

const found = (names, agent) => names.find(([sign]) => sign.test(agent))?.[1] ?? '';

/** { browser, system }; '': it does not say. */
export const deviceOf = (agent) => ({ browser: found(BROWSERS, agent ?? ''), system: found(SYSTEMS, agent ?? '') });
