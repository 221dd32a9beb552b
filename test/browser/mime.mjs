// The message reader of the sandbox page, on what mails really look like.
import assert from 'node:assert/strict';
import { decodeWords, linksInText, parseMessage, parseParameters } from '../../ui/mime.js';
import { test } from './tap.mjs';

const message = (...lines) => parseMessage(Buffer.from(lines.join('\r\n'), 'latin1'));

const WORDS = [
  ['plain text stays', 'Hello', 'Hello'],
  ['UTF-8 in Q', '=?UTF-8?Q?Gr=C3=BC=C3=9Fe_an_alle?=', 'Grüße an alle'],
  ['UTF-8 in B', '=?utf-8?B?R3LDvMOfZQ==?=', 'Grüße'],
  ['ISO-8859-1', '=?iso-8859-1?q?Gr=FC=DFe?= <a@b.example>', 'Grüße <a@b.example>'],
  ['white space between two words is dropped', '=?utf-8?q?a?= =?utf-8?q?b?= c', 'ab c'],
  ['a character split over two words', '=?utf-8?q?=C3?=\r\n =?utf-8?q?=BC?=', 'ü'],
  ['a language tag', '=?utf-8*de?q?M=C3=BCller?=', 'Müller'],
  ['an unknown charset falls back', '=?x-none?q?=FC?=', 'ü'],
  ['broken words stay as they are', '=?utf-8?q?open', '=?utf-8?q?open'],
];

const PARAMETERS = [
  ['quoted semicolon', 'a/b; name="x;y"', 'x;y'],
  ['RFC 2231 charset', "a/b; name*=utf-8''%C3%BCber.csv", 'über.csv'],
  ['RFC 2231 continuations', "a/b; name*0*=utf-8''%C3%BC; name*1=ber", 'über'],
  ['RFC 2047 in a parameter', 'a/b; name="=?utf-8?q?=C3=BC?="', 'ü'],
  ['escaped quote', 'a/b; name="a\\"b"', 'a"b'],
];

const TEXTS = [
  ['one a line', 'Zum Passwort:\r\nhttps://a.example/#/reset/x_-1\r\n\r\nGruß', ['https://a.example/#/reset/x_-1']],
  ['at the end of a sentence', 'Siehe http://a.example/b?c=d&e=f.', ['http://a.example/b?c=d&e=f']],
  ['in brackets of all kinds', '(https://a.example/1) <https://a.example/2> "https://a.example/3", „https://a.example/4“', [1, 2, 3, 4].map((n) => `https://a.example/${n}`)],
  ['with brackets of its own', 'https://a.example/Haus_(Boot)', ['https://a.example/Haus_(Boot)']],
  ['twice', 'https://a.example/ https://a.example/', ['https://a.example/']],
  ['none that leads elsewhere', 'javascript:alert(1) ftp://a.example mailto:a@example.org https:// www.example.org', []],
];

export async function mime() {
  for (const [name, given, expected] of TEXTS) await test(`links in a text: ${name}`, () => assert.deepEqual(linksInText(given), expected));
  for (const [name, given, expected] of WORDS) await test(`encoded words: ${name}`, () => assert.equal(decodeWords(given), expected));
  for (const [name, given, expected] of PARAMETERS) {
    await test(`parameters: ${name}`, () => assert.equal(parseParameters(given).parameters.name, expected));
  }

  await test('a text message in quoted-printable', () => {
    const { text, html, headers } = message('Subject: =?utf-8?q?=C3=BC?=', 'X-Long: a', '\tb', 'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable', '', 'soft =', 'break=20', 'Gr=C3=BC=C3=9Fe');
    assert.equal(text, 'soft break \r\nGrüße');
    assert.equal(html, null);
    assert.deepEqual(headers.slice(0, 2), [{ name: 'Subject', value: 'ü' }, { name: 'X-Long', value: 'a\tb' }]);
  });

  await test('an 8-bit body in ISO-8859-1', () => {
    assert.equal(message('Content-Type: text/plain; charset=iso-8859-1', '', 'Gr\xfc\xdfe').text, 'Grüße');
  });

  await test('alternatives, a picture by cid and an attachment', () => {
    const read = message('Content-Type: multipart/mixed; boundary=m', '', 'preamble', '--m', 'Content-Type: multipart/related; boundary="r r"', '',
      '--r r', 'Content-Type: multipart/alternative; boundary=a', '', '--a', 'Content-Type: text/plain', '', 'plain', '--a', 'Content-Type: text/html', '',
      '<p>html</p>', '--a--', '--r r', 'Content-Type: image/png', 'Content-ID: <one@x>', 'Content-Transfer-Encoding: base64', '', 'iVBORw==', '--r r--',
      '--m', 'Content-Type: text/plain; charset=utf-8', 'Content-Disposition: attachment; filename=note.txt', '', 'attached', '--m--', 'epilogue');
    assert.equal(read.text, 'plain');
    assert.equal(read.html, '<p>html</p>');
    assert.deepEqual(read.attachments.map(({ filename, type, id, bytes }) => [filename, type, id, bytes.length]),
      [['', 'image/png', 'one@x', 4], ['note.txt', 'text/plain', '', 8]]);
  });

  await test('a message without a body, without a header, and of nothing', () => {
    assert.equal(message('Subject: x').text, '');
    assert.equal(message('', 'only body').text, 'only body');
    assert.equal(message('').text, '');
  });

  await test('nesting without end and a missing end line are survived', () => {
    const deep = Array.from({ length: 40 }, (_, i) => [`--b${i - 1}`, `Content-Type: multipart/mixed; boundary=b${i}`, '']).flat().slice(1);
    assert.ok(Array.isArray(message(...deep, 'x').attachments));
    assert.equal(message('Content-Type: multipart/mixed; boundary=q', '', '--q', '', 'open').text, 'open');
  });
}
