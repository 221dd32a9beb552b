// Where the link in a test mail leads, without signing in: it has arrived, and the person says in which folder.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { errorText } from '../api.js';
import { html } from '../html.js';
import { needTexts, span, t } from '../i18n.js';
import { Icon } from '../parts/icon.js';
import { Notice } from '../parts/notice.js';
import { announce } from '../store.js';
import { tools } from '../tools-api.js';

await needTexts('start');

const FOLDERS = [['inbox', 'inbox'], ['spam', 'alert']];

export function ArrivedPage({ token }) {
  const [arrival, setArrival] = useState(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const [gone, setGone] = useState(false);
  const heading = useRef(null);
  useLayoutEffect(() => { if (gone) heading.current.focus(); }, [gone]); // the button that had it is no more

  const say = async (folder) => {
    if (busy) return;
    setBusy(true);
    setProblem('');
    try {
      const found = await tools.confirmArrival({ token, folder });
      setArrival(found);
      announce(t(`arrived.thanks.${found.folder}`));
    } catch (error) {
      if (error.status === 404) setGone(true);
      else setProblem(errorText(error));
    }
    setBusy(false);
  };

  if (gone) {
    return html`
      <div class="card gate arrived">
        <h1 tabindex="-1" ref=${heading}>${t('arrived.invalid')}</h1>
        <${Notice} tone="bad" role="alert">${t('arrived.unknown')}<//>
      </div>`;
  }
  return html`
    <div class="card gate arrived" data-folder=${arrival?.folder}>
      <h1 tabindex="-1">${t(arrival ? 'arrived.confirmed' : 'arrived.title')}</h1>
      <p class="lead">${arrival ? t(`arrived.thanks.${arrival.folder}`) : t('arrived.question')}</p>
      <div class="folders" role="group" aria-label=${t('arrived.question')}>${FOLDERS.map(([folder, icon]) => html`
        <button type="button" key=${folder} aria-disabled=${busy ? 'true' : undefined} aria-pressed=${arrival?.folder === folder ? 'true' : 'false'} onClick=${() => say(folder)}>
          <${Icon} name=${arrival?.folder === folder ? 'check' : icon} />${t(`arrived.${folder}`)}</button>`)}</div>
      ${problem && html`<${Notice} tone="bad" role="alert">${problem}<//>`}
      ${arrival && html`
        ${arrival.folder === 'spam' && html`<${Notice} tone="info">${t('arrived.spam_next')}<//>`}
        <p class="hint">${t('arrived.after', { span: span(Math.max(arrival.arrived_after_s, 1)) })} ${t('arrived.done')}</p>`}
      ${!arrival && html`<p class="hint">${t('arrived.nothing_else')}</p>`}
    </div>`;
}
