// Tiles for the usual providers, the rest in a list, and what to know about the chosen one, with its source.
import { html } from '../html.js';
import { date, t } from '../i18n.js';
import { Icon } from './icon.js';

const shortName = (name) => name.split(/ [/(]/)[0];
const example = (host) => host?.replace(/[<>]/g, '');

const PresetFacts = ({ preset }) => html`
  <div class="preset-facts">
    <h3>${preset.name}</h3>
    ${preset.hint && html`<p>${preset.hint}</p>`}
    ${preset.username_note && html`<p>${t('preset.username')} ${preset.username_note}</p>`}
    ${preset.password?.where && html`
      <p>${t(preset.password.app_password?.startsWith('required') ? 'preset.app_password' : 'preset.password')} ${preset.password.where}
        ${preset.password.url && html` <a href=${preset.password.url} target="_blank" rel="noopener noreferrer">
          ${t('preset.open')}<${Icon} name="external" /></a>`}</p>`}
    ${preset.checked && html`<p class="source">${t('preset.checked', { date: date(preset.checked) })}</p>`}
    ${preset.sources?.length > 0 && html`
      <details class="source" key=${preset.id}><summary>${t('preset.sources')}</summary>
        <ul>${[...new Set([].concat(preset.sources))].map((source) => html`<li key=${source}>${source}</li>`)}</ul></details>`}
  </div>`;

export function Presets({ presets, chosen, onChoose, disabled }) {
  const tiles = presets.filter((preset) => preset.featured);
  const others = presets.filter((preset) => !preset.featured);
  const preset = presets.find(({ id }) => id === chosen);
  return html`
    <section class="card" aria-labelledby="presets-title">
      <h2 id="presets-title">${t('preset.title')}</h2>
      <div class="tiles" role="group" aria-labelledby="presets-title">
        ${tiles.map(({ id, name, endpoints }) => html`
          <button type="button" class="tile" key=${id} data-preset=${id} disabled=${disabled} aria-pressed=${id === chosen ? 'true' : 'false'}
            onClick=${() => onChoose(presets.find((one) => one.id === id))}>
            <strong>${shortName(name)}</strong><span>${example(endpoints[0]?.host)}</span></button>`)}
      </div>
      ${others.length > 0 && html`
        <div class="field inline-field">
          <label for="preset_other">${t('preset.others')}</label>
          <select id="preset_other" disabled=${disabled} onChange=${(event) => {
            const found = presets.find(({ id }) => id === event.currentTarget.value);
            if (found) onChoose(found);
          }}>
            <option value="" selected=${!others.some(({ id }) => id === chosen)}>${t('preset.choose')}</option>
            ${others.map(({ id, name }) => html`<option value=${id} key=${id} selected=${id === chosen}>${name}</option>`)}
          </select>
        </div>`}
      ${preset && html`<${PresetFacts} preset=${preset} />`}
    </section>`;
}
