// Every text stands in both language files, is used, and none stands in the pages themselves.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { t } from '../../ui/i18n.js';
import { test } from './tap.mjs';

const UI = new URL('../../ui/', import.meta.url);
const NAMES = new Set(['Absender', 'First admin:']); // names, the same in every language
const read = (name) => readFile(new URL(name, UI), 'utf8');

async function sources() {
  const names = (await readdir(UI, { recursive: true })).filter((name) => name.endsWith('.js') && !name.startsWith('vendor'));
  return Promise.all(names.sort().map(async (name) => ({ name, text: await read(name) })));
}

/** The markup of html`…` templates with every ${…} replaced by a space; nested templates come out as pieces of their own. */
export function templatesOf(text) {
  const found = [];
  const readTemplate = (start) => {
    let markup = '';
    for (let i = start; i < text.length; i += 1) {
      if (text[i] === '\\') i += 1;
      else if (text[i] === '`') { found.push(markup); return i; }
      else if (text.startsWith('${', i)) { i = readExpression(i + 2); markup += ' '; }
      else markup += text[i];
    }
    return text.length;
  };
  const readExpression = (start) => {
    let depth = 0;
    for (let i = start; i < text.length; i += 1) {
      if (text.startsWith('html`', i)) i = readTemplate(i + 5);
      else if (text[i] === '`') { const kept = found.length; i = readTemplate(i + 1); found.splice(kept); }
      else if (text[i] === "'") i = text.indexOf("'", i + 1);
      else if (text[i] === '{') depth += 1;
      else if (text[i] === '}' && depth-- === 0) return i;
    }
    return text.length;
  };
  for (let i = text.indexOf('html`'); i >= 0; i = text.indexOf('html`', i + 1)) i = readTemplate(i + 5);
  return found;
}

/** A module and all that it cannot run without. */
function withNeeds(files, start) {
  const found = new Set([start]);
  for (const name of found) {
    const { text } = files.find((one) => one.name === name);
    for (const [, path] of text.matchAll(/^(?:import|export)\b[^;]*?from '(\.[^']+)'/gm)) found.add(posix.join(posix.dirname(name), path));
  }
  return files.filter(({ name }) => found.has(name));
}

/** Words a person would read: text between tags, and attributes that are read out or shown. */
export function wordsIn(markup) {
  const spoken = [...markup.matchAll(/\b(?:aria-label|title|placeholder|alt|label|hint)="([^"]*)"/g)].map((match) => match[1]);
  const between = markup.replace(/<[^>]*>/g, '\u0000').split('\u0000');
  return [...spoken, ...between].map((piece) => piece.trim()).filter((piece) => /\p{L}/u.test(piece) && !NAMES.has(piece));
}

export async function i18n() {
  const areas = (await readdir(new URL('i18n/', UI))).filter((name) => name.endsWith('de.json')).map((name) => name.slice(0, -'de.json'.length));
  const textsOf = async (language) => {
    const parts = await Promise.all(areas.map(async (area) => JSON.parse(await read(`i18n/${area}${language}.json`))));
    const texts = Object.assign({}, ...parts);
    assert.equal(Object.keys(texts).length, parts.reduce((sum, part) => sum + Object.keys(part).length, 0), 'no key stands in two files');
    return texts;
  };
  const [de, en] = await Promise.all(['de', 'en'].map(textsOf));
  const files = await sources();
  const all = files.map(({ text }) => text).join('\n');

  await test('both languages have the same keys', () => assert.deepEqual(Object.keys(de).sort(), Object.keys(en).sort()));

  await test('texts that only some pages load are named only by modules that wait for them', async () => {
    for (const area of areas.filter(Boolean)) {
      const keys = JSON.parse(await read(`i18n/${area}de.json`));
      const waits = new RegExp(`needTexts\\([^)]*'${area.slice(0, -1)}'`);
      const names = ({ text }) => [...text.matchAll(/'([\w.]+)'/g)].some(([, key]) => key in keys || `${key}.other` in keys);
      const later = new Set(files.flatMap(({ name, text }) => [...text.matchAll(/\bimport\('(\.[^']+)'\)/g)].map(([, path]) => posix.join(posix.dirname(name), path))));
      assert.ok(later.size > 20);
      for (const { name } of files.filter((one) => one.name === 'app.js' || later.has(one.name))) {
        const modules = withNeeds(files, name);
        assert.ok(!modules.some(names) || modules.some(({ text }) => waits.test(text)), `${name} does not wait for ${area}`);
        if (name === 'app.js') assert.deepEqual(modules.filter(names).map((one) => one.name), []);
      }
    }
  });

  await test('texts that come with a page are those that it waits for', () => {
    const routes = files.find(({ name }) => name === 'routes.js').text;
    const found = [...routes.matchAll(/\btexts: \[([^\]]*)\][^\n]*\n\s*load: \(\) => import\('\.\/([^']+)'\)/g)];
    assert.ok(found.length > 0 && found.length === routes.match(/\btexts: \[/g).length);
    for (const [, named, page] of found) assert.ok(files.find(({ name }) => name === page).text.includes(`needTexts(${named})`), page);
  });

  await test('no text is empty, and both languages fill in the same values', () => {
    for (const key of Object.keys(de)) {
      assert.ok(de[key].trim() && en[key].trim(), key);
      const values = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
      if (!key.endsWith('.one')) assert.deepEqual(values(de[key]), values(en[key]), key);
    }
  });

  await test('every key that the pages name exists', () => {
    const named = [...all.matchAll(/\bt\('([\w.]+)'/g)].map((match) => match[1]);
    assert.ok(named.length > 100);
    assert.deepEqual(named.filter((key) => !(key in de) && !(`${key}.other` in de)), []);
  });

  await test('no key is left over', () => {
    const quoted = new Set([...all.matchAll(/'([a-z_]+(?:\.[a-z_]+)*)'/g)].map((match) => match[1]));
    const patterns = [...all.matchAll(/`([a-z_]+\.(?:[a-z_.]|\$\{[\w.]+\})+)`/g)]
      .map((match) => new RegExp(`^${match[1].replaceAll('.', '\\.').replace(/\$\{[^}]+\}/g, '\\w+')}$`));
    assert.ok(patterns.length > 10);
    const isUsed = (key) => [key, key.replace(/\.(one|other)$/, '')].some((one) => quoted.has(one) || patterns.some((pattern) => pattern.test(one)));
    assert.deepEqual(Object.keys(de).filter((key) => !isUsed(key)), []);
  });

  await test('a name that ends with a full stop ends its sentence with it', () => {
    const said = (text, name) => t(text, { name }); // a key without a text is its own
    assert.equal(said('Mitglied von {name}. Und {name}', 'Segelclub e. V.'), 'Mitglied von Segelclub e. V. Und Segelclub e. V.');
    assert.equal(said('Mitglied von {name}.', 'Segelclub'), 'Mitglied von Segelclub.');
  });

  await test('no words stand in the pages themselves', () => {
    const found = files.flatMap(({ name, text }) => templatesOf(text).flatMap(wordsIn).map((words) => `${name}: ${words}`));
    assert.deepEqual(found, []);
  });

  await test('the search for words in pages finds them', () => {
    const sample = 'html`<p class="x">${a ? html`<b>Hello</b>` : `x ${b}`} <i aria-label="Close">${t(\'k\')}</i></p>`';
    assert.deepEqual(templatesOf(sample).flatMap(wordsIn).sort(), ['Close', 'Hello']);
  });

  await test('the pages ask for nothing inline: no style attribute, no handler attribute, no address elsewhere', async () => {
    const index = await read('index.html');
    const markup = [...files.flatMap(({ text }) => templatesOf(text)), index].join('\n');
    assert.ok(!/\sstyle=/.test(markup));
    assert.ok(!/\son[a-z]+="/.test(markup));
    assert.ok(!/(src|href)="(https?:)?\/\//.test(markup));
    assert.equal([...index.matchAll(/<script\b(?![^>]*\bsrc=)/g)].length, 1, 'the import map is the only inline script');
  });

  await test('every page and part is listed for embedding, and nothing that is not there', async () => {
    const listed = [...(await read('absender.gresource.xml')).matchAll(/<file[^>]*>([^<]+)<\/file>/g)].map((match) => match[1])
      .filter((name) => !name.startsWith('vendor/') && !name.startsWith('../')).sort();
    const there = (await readdir(UI, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
      .map((one) => `${one.parentPath ?? one.path}/${one.name}`.split('/ui/').at(-1).replace(/^\//, ''))
      .filter((name) => !name.startsWith('vendor/') && !name.endsWith('.xml')).sort();
    assert.deepEqual(listed, there);
  });
}
