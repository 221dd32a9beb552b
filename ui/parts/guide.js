// Steps that are taken somewhere else, in order: where to click there, what to take along from here, what to bring back.
import { html } from '../html.js';
import { CopyButton } from './copy-button.js';
import { Icon } from './icon.js';

export const Guide = ({ children }) => html`<ol class="guide">${children}</ol>`;

/** "A > B > C" is a path to click through. */
export const Clicks = ({ path }) => html`<p class="clicks">${path.split(' > ').map((one) => html`<span key=${one}>${one}</span> `)}</p>`;

export const Outside = ({ href, children }) => html`
  <p><a class="with-icon" href=${href} target="_blank" rel="noopener noreferrer">${children}<${Icon} name="external" /></a></p>`;

/** path: where to click; href, link: where that begins; text: what to do there. Below it what belongs to it. */
export const Step = ({ id, title, path, href, link, text, children }) => html`
  <li class="guide-step" data-step=${id}>
    <h3>${title}</h3>
    ${path && html`<${Clicks} path=${path} />`}
    ${href && html`<${Outside} href=${href}>${link}<//>`}
    ${text && html`<p>${text}</p>`}
    ${children}
  </li>`;

/** One value to take along. */
export const CopyLine = ({ id, what, text }) => html`
  <div class="copy-line"><p class="hint">${what}</p><p class="secret"><code id=${id}>${text}</code><${CopyButton} id=${id} what=${what} /></p></div>`;

/** Lines for a terminal. */
export const CopyBlock = ({ id, what, text }) => html`
  <div class="copy-block">
    <div class="code-head"><p class="hint">${what}</p><${CopyButton} id=${id} what=${what} /></div>
    <pre class="said" id=${id} tabindex="0">${text}</pre>
  </div>`;
