// Why the server did not do it: with the diagnosis, where it has one.
import { errorText } from '../api.js';
import { html } from '../html.js';
import { Diagnosis } from './diagnosis.js';
import { Problem } from './notice.js';

/** onAction(action): what a button of the diagnosis does; without it the settings page is given the action. */
export const Refusal = ({ error, onAction }) => error && (error.diagnosis
  ? html`<div role="alert"><${Diagnosis} diagnosis=${error.diagnosis} onAction=${onAction} /></div>` : html`<${Problem} text=${errorText(error)} />`);
