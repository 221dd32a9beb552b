// Reads a captured message for display: headers (RFC 2047), multipart (RFC 2046), quoted-printable and base64, any charset
// the browser knows. Bytes travel as "binary strings" (one character an octet) until a charset decodes them.
const MAX_DEPTH = 8;
const MAX_PARTS = 200;

export function binaryOf(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}

const bytesOf = (binary) => Uint8Array.from(binary, (c) => c.charCodeAt(0) & 255);

function decode(binary, charset) {
  try {
    return new TextDecoder(charset || 'utf-8').decode(bytesOf(binary));
  } catch {
    return new TextDecoder('windows-1252').decode(bytesOf(binary));
  }
}

const fromBase64 = (text) => {
  try {
    return atob(text.replace(/[^A-Za-z0-9+/]/g, ''));
  } catch {
    return '';
  }
};

const fromQuotedPrintable = (text) =>
  text.replace(/[ \t]+(?=\r?\n|$)/g, '').replace(/=\r?\n/g, '')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));

/** RFC 2047 words become text; white space between two of them is no part of it. Adjacent words are joined as bytes. */
export function decodeWords(value) {
  const word = /=\?([^?*\s]+)(?:\*[^?]*)?\?([bq])\?([^?\s]*)\?=(?:[ \t\r\n]+(?==\?[^?\s]+\?[bq]\?))?/gi;
  const pieces = [];
  let end = 0;
  for (const match of value.matchAll(word)) {
    if (match.index > end) pieces.push({ text: decode(value.slice(end, match.index), 'utf-8') });
    const [, charset, kind, data] = match;
    const binary = kind.toLowerCase() === 'b' ? fromBase64(data) : fromQuotedPrintable(data.replaceAll('_', ' '));
    const last = pieces.at(-1);
    if (last?.charset === charset.toLowerCase()) last.binary += binary;
    else pieces.push({ charset: charset.toLowerCase(), binary });
    end = match.index + match[0].length;
  }
  if (end < value.length) pieces.push({ text: decode(value.slice(end), 'utf-8') });
  return pieces.map(({ text, binary, charset }) => text ?? decode(binary, charset)).join('');
}

/** "text/plain; charset=utf-8" → { value, parameters }; RFC 2231 forms (name*=utf-8''x, name*0=…) included. */
export function parseParameters(header) {
  const [value, ...rest] = header.match(/(?:[^;"]|"(?:\\.|[^"\\])*")+/g) ?? [''];
  const parameters = {};
  for (const piece of rest) {
    const found = /^\s*([^=\s*]+)(\*(\d+))?(\*)?\s*=\s*("?)([\s\S]*?)\5\s*$/.exec(piece);
    if (!found) continue;
    const [, name, , , encoded, , raw] = found;
    let text = raw.replace(/\\(.)/g, '$1');
    if (encoded) {
      const [charset, bare] = /^([^']*)'[^']*'/.test(text) ? [text.split("'")[0], text.replace(/^[^']*'[^']*'/, '')] : ['utf-8', text];
      text = decode(bare.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), charset);
    } else text = decodeWords(text);
    parameters[name.toLowerCase()] = (parameters[name.toLowerCase()] ?? '') + text;
  }
  return { value: value.trim().toLowerCase(), parameters };
}

function splitHead(binary) {
  const blank = /\r?\n\r?\n/.exec(binary);
  const starts = /^\r?\n/.exec(binary); // no header at all
  if (starts) return ['', binary.slice(starts[0].length)];
  return blank ? [binary.slice(0, blank.index), binary.slice(blank.index + blank[0].length)] : [binary, ''];
}

function readHeaders(head) {
  return head.replace(/\r?\n(?=[ \t])/g, '').split(/\r?\n/).filter((line) => line.includes(':')).map((line) => {
    const colon = line.indexOf(':');
    const raw = line.slice(colon + 1).trim();
    return { name: line.slice(0, colon), raw, value: decodeWords(raw) };
  });
}

const headerOf = (headers, name) => headers.find((one) => one.name.toLowerCase() === name);

function splitParts(body, boundary) {
  const parts = [];
  let current = null;
  for (const line of body.split(/(?<=\n)/)) {
    const bare = line.trimEnd();
    if (bare === `--${boundary}` || bare === `--${boundary}--`) {
      if (current !== null) parts.push(current.replace(/\r?\n$/, ''));
      current = '';
      if (bare.endsWith(`${boundary}--`)) return parts;
    } else if (current !== null) current += line;
  }
  if (current !== null) parts.push(current);
  return parts;
}

function readPart(binary, depth, leaves) {
  const [head, body] = splitHead(binary);
  const headers = readHeaders(head);
  const type = parseParameters(headerOf(headers, 'content-type')?.raw ?? 'text/plain');
  if (type.value.startsWith('multipart/') && type.parameters.boundary && depth < MAX_DEPTH) {
    for (const part of splitParts(body, type.parameters.boundary)) {
      if (leaves.length < MAX_PARTS) readPart(part, depth + 1, leaves);
    }
    return headers;
  }
  const encoding = (headerOf(headers, 'content-transfer-encoding')?.raw ?? '').trim().toLowerCase();
  const content = encoding === 'base64' ? fromBase64(body) : encoding === 'quoted-printable' ? fromQuotedPrintable(body) : body;
  const disposition = parseParameters(headerOf(headers, 'content-disposition')?.raw ?? '');
  leaves.push({
    type: type.value, charset: type.parameters.charset, content,
    attached: disposition.value === 'attachment',
    filename: disposition.parameters.filename ?? type.parameters.name ?? '',
    id: (headerOf(headers, 'content-id')?.raw ?? '').replace(/^<|>$/g, ''),
  });
  return headers;
}

/** { headers: [{ name, value }], text, html, attachments: [{ filename, type, bytes, id }] }; text and html may be null. */
export function parseMessage(bytes) {
  const leaves = [];
  const headers = readPart(binaryOf(bytes), 0, leaves);
  const body = (type) => leaves.find((leaf) => leaf.type === type && !leaf.attached);
  const [text, html] = [body('text/plain'), body('text/html')];
  return {
    headers: headers.map(({ name, value }) => ({ name, value })),
    text: text ? decode(text.content, text.charset) : null,
    html: html ? decode(html.content, html.charset) : null,
    attachments: leaves.filter((leaf) => leaf !== text && leaf !== html)
      .map(({ filename, type, content, id }) => ({ filename, type, bytes: bytesOf(content), id })),
  };
}

const base64Of = (bytes) => btoa(binaryOf(bytes));
const PICTURE = /^image\/(png|jpeg|gif|webp)$/;

const isWeb = (href) => /^https?:\/\//i.test(href);

/** The addresses in a plain text; what closes a sentence or a bracket around one is no part of it. */
export function linksInText(text) {
  const found = (text ?? '').match(/\bhttps?:\/\/[^\s<>"]{1,2000}/gi) ?? [];
  return [...new Set(found.map((one) => one.replace(/[.,;:!?'\u2019\u201c\u201d]+$/, '').replace(/^([^(]*)\)+[.,;:!?]*$/, '$1')).filter((one) => URL.canParse(one)))];
}

/** Which address a picture may have in the preview: its own data, or those that came with the mail. null: it would have to be fetched. */
function pictureOf(source, attachments) {
  if (/^data:image\/(png|jpeg|gif|webp);base64,/i.test(source)) return source;
  const part = attachments.find(({ id, type }) => id && source === `cid:${id}` && PICTURE.test(type));
  return part ? `data:${part.type};base64,${base64Of(part.bytes)}` : null;
}

/** Before a mail is parsed, for a browser reports styles and handlers even in a page that is never shown: attributes are put aside under another name. No safety rests on it. */
export const setAside = (html) => html.replace(/<style\b[\s\S]*?<\/style\s*>/gi, '')
  .replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(/([\s"'/])(style|on[a-z]+)(?=\s*=)/gi, '$1data-$2'));

/**
 * The HTML of a mail for MailFrame, which makes it harmless: with the pictures that came with it in their places. And the links that are in
 * it, and how many pictures would have to be fetched and are not.
 */
export function displayable(message) {
  const page = new DOMParser().parseFromString(setAside(message.html), 'text/html');
  const links = [...page.querySelectorAll('a[href]')].map((a) => a.getAttribute('href').trim()).filter(isWeb);
  const pictures = [...page.querySelectorAll('img')].map((img) => img.getAttribute('src') ?? '');
  return {
    source: message.html.replace(/(\ssrc\s*=\s*["']?)(cid:[^\s"'>]+)/gi, (whole, before, address) => before + (pictureOf(address, message.attachments) ?? address)),
    links: [...new Set(links)],
    blocked: pictures.filter((source) => !pictureOf(source, message.attachments)).length,
  };
}
