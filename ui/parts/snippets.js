// How an application sends: the same programs that the tests run, with the address and the token of this place.
import { useEffect, useState } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { CopyButton } from './copy-button.js';
import { Tabs } from './tabs.js';

const SNIPPETS = [['curl', 'send.sh', 'sh'], ['Python', 'send.py', 'python3'], ['Node', 'send.mjs', 'node']];

function Snippet({ file, program, address, token }) {
  const [code, setCode] = useState('');
  useEffect(() => { fetch(new URL(`../snippets/${file}`, import.meta.url)).then((answer) => (answer.ok ? answer.text() : '')).then(setCode, () => {}); }, [file]);
  const start = `export ABSENDER_URL='${address}'\nexport ABSENDER_TOKEN='${token}'\n${program} ${file} anna@example.net`;
  return html`
    <div class="code-head"><h3>${file}</h3><${CopyButton} id="snippet-code" what=${file} /></div>
    <pre class="said" id="snippet-code" tabindex="0">${code}</pre>
    <div class="code-head"><h3>${t('apps.snippet.run')}</h3><${CopyButton} id="snippet-run" what=${t('apps.snippet.run')} /></div>
    <pre class="said" id="snippet-run" tabindex="0">${start}</pre>`;
}

/** token: the secret while it is still to be seen. */
export const Snippets = ({ address, token }) => html`
  <section class="snippets" aria-labelledby="snippets-title">
    <h2 id="snippets-title">${t('apps.snippet.title')}</h2>
    <p class="hint">${t('apps.snippet.hint')}</p>
    <${Tabs} label=${t('apps.snippet.title')} tabs=${SNIPPETS.map(([label, file, program]) => ({
      id: program, label, view: () => html`<${Snippet} key=${file} file=${file} program=${program} address=${address} token=${token ?? 'abs_…'} />`,
    }))} />
  </section>`;
