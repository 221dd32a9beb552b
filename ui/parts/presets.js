// Tiles for the usual providers, the rest in a list.
import { html } from '../html.js';
import { t } from '../i18n.js';
import { exampleOf, shortName } from '../preset.js';

export function Presets({ presets, chosen, onChoose, disabled }) {
  const tiles = presets.filter((preset) => preset.featured);
  const others = presets.filter((preset) => !preset.featured);
  return html`
    <div class="tiles" role="group" aria-label=${t('preset.title')}>
      ${tiles.map((preset) => html`
        <button type="button" class="tile" key=${preset.id} data-preset=${preset.id} disabled=${disabled}
          aria-pressed=${preset.id === chosen ? 'true' : 'false'} onClick=${() => onChoose(preset)}>
          <strong>${shortName(preset.name)}</strong><span>${exampleOf(preset.endpoints[0]?.host)}</span></button>`)}
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
      </div>`}`;
}
