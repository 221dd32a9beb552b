// Where a provider leads back to after a sign-in: what it sent along is handed over, and the person goes on to the settings.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { t } from '../i18n.js';
import { oauth } from '../oauth-api.js';
import { Icon } from '../parts/icon.js';
import { Refusal } from '../parts/refusal.js';
import { returned } from '../returned.js';
import { loadSmtp } from '../store.js';
import { needStyles } from '../styles.js';

await needStyles('oauth');

const SETTINGS = '#/settings/email/edit';

function useRedeemed() {
  const [state, setState] = useState('working');
  const [error, setError] = useState(null);
  useEffect(() => {
    const given = returned();
    if (!given) {
      setState('nothing');
      return;
    }
    oauth.redeem(given).then(() => {
      setState('done');
      loadSmtp().catch(() => {});
    }, (refused) => {
      setError(refused);
      setState('failed');
    });
  }, []);
  return { state, error };
}

const Said = ({ state }) => (state === 'done' ? html`<p>${t('oauth.return.done_text')}</p>` : state === 'nothing' && html`<p>${t('oauth.return.nothing_text')}</p>`);

export function OauthReturnPage() {
  const { state, error } = useRedeemed();
  const heading = useRef(null);
  useLayoutEffect(() => { if (state !== 'working') heading.current.focus(); }, [state]);
  return html`
    <section class="card returned" data-return=${state} aria-labelledby="return-title">
      <h1 id="return-title" tabindex="-1" ref=${heading}>${state === 'working' && html`<${Icon} name="spinner" spin /> `}${t(`oauth.return.${state}`)}</h1>
      <${Said} state=${state} />
      <${Refusal} error=${error} />
      ${state !== 'working' && html`
        <div class="buttons"><a class=${state === 'done' ? 'button primary' : 'button'} href=${SETTINGS}>${t(state === 'done' ? 'oauth.return.to_settings' : 'oauth.return.back')}</a></div>`}
    </section>`;
}
