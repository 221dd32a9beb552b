// Domains as people write them: the xn-- labels of a mail address or server name, decoded for the eye (RFC 3492). What goes
// back to the server may stay as it is shown: the server makes the form for the wire.
const [BASE, T_MIN, T_MAX, SKEW, DAMP] = [36, 1, 26, 38, 700];

/** a to z are 0 to 25, 0 to 9 are 26 to 35; anything else is NaN and fails every comparison. */
const digitOf = (character) => (/[a-z]/.test(character) ? character.charCodeAt(0) - 97 : /\d/.test(character) ? Number(character) + 26 : NaN);

function adapted(delta, count, first) {
  let rest = Math.floor(delta / (first ? DAMP : 2));
  rest += Math.floor(rest / count);
  let k = 0;
  for (; rest > ((BASE - T_MIN) * T_MAX) / 2; k += BASE) rest = Math.floor(rest / (BASE - T_MIN));
  return k + Math.floor(((BASE - T_MIN + 1) * rest) / (rest + SKEW));
}

/** RFC 3492 6.2; null for what is no Punycode. */
function decode(digits) {
  const dash = digits.lastIndexOf('-');
  const output = dash > 0 ? [...digits.slice(0, dash)] : [];
  let [code, i, bias] = [128, 0, 72];
  for (let at = dash > 0 ? dash + 1 : 0; at < digits.length; i += 1) {
    const before = i;
    for (let weight = 1, k = BASE; ; k += BASE) {
      const digit = digitOf(digits[at++] ?? '');
      if (!(digit >= 0) || i > 1e9) return null;
      i += digit * weight;
      const limit = Math.min(Math.max(k - bias, T_MIN), T_MAX);
      if (digit < limit) break;
      weight *= BASE - limit;
    }
    bias = adapted(i - before, output.length + 1, before === 0);
    code += Math.floor(i / (output.length + 1));
    i %= output.length + 1;
    if (code > 0x10ffff) return null;
    output.splice(i, 0, String.fromCodePoint(code));
  }
  return output.join('');
}

/** Letters that look like Latin ones are not shown: such a name would pass for another. */
const HARMLESS = /^(?:[\p{Script=Latin}\p{M}\d-]+|[^\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]+)$/u;

function labelText(label) {
  const text = decode(label.slice(4).toLowerCase());
  if (!text || !/^[\p{L}\p{M}\p{Nd}-]+$/u.test(text) || !HARMLESS.test(text)) return label;
  try {
    return new URL(`http://${text}/`).hostname === label.toLowerCase() ? text : label; // the browser agrees, there and back
  } catch {
    return label;
  }
}

/** The domain of an address, for comparing. */
export const domainOf = (email) => email.slice(email.lastIndexOf('@') + 1).trim().toLowerCase();

/** Any text with addresses or server names in it, its xn-- labels decoded where that is safe. */
export const readable = (text) => text && text.replace(/(?<![\w-])xn--[a-z0-9-]+/gi, labelText);
