// The one way pages write markup: htm's template tag bound to Preact.
import { h } from 'preact';
import htm from 'htm';

export const html = htm.bind(h);
