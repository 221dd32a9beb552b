// A pasted bounce or log: each line that an SMTP server has said, in plain words.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { needTexts, t } from '../i18n.js';
import { announce } from '../store.js';
import { tools } from '../tools-api.js';
import { Diagnosis } from './diagnosis.js';
import { Notice } from './notice.js';
import { TextBox } from './text-box.js';

await needTexts('tools');

const Line = ({ explanation: { line, diagnosis } }) => html`
  <li><pre class="said" tabindex="0">${line}</pre><${Diagnosis} diagnosis=${diagnosis} /></li>`;

/** host: of the server in force, for what the line itself does not say. */
export function BounceBox({ host }) {
  const [found, setFound] = useState(null);
  const read = async (text) => {
    setFound(null);
    const { data } = await tools.explain({ text, ...(host && { host }) });
    setFound(data);
    announce(data.length ? data.map(({ diagnosis }) => diagnosis.meaning).join(' ') : t('bounce.nothing'));
  };
  return html`
    <div class="fold-body">
      <${TextBox} id="bounce_text" label=${t('bounce.label')} hint=${t('bounce.hint')} button=${t('bounce.read')} empty=${t('bounce.empty')} onRead=${read} />
      ${found?.length === 0 && html`<${Notice}>${t('bounce.nothing')}<//>`}
      ${found?.length > 0 && html`<ol class="explanations">${found.map((one, i) => html`<${Line} key=${i} explanation=${one} />`)}</ol>`}
    </div>`;
}
