// Line icons on a 24 grid, drawn here so that nothing is loaded from elsewhere. Decorative: words stand beside them.
import { html } from '../html.js';

const PATHS = {
  mail: 'M4 6h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1ZM3.5 7.5 12 13l8.5-5.5',
  outbox: 'M12 14V4m0 0L8 8m4-4 4 4M4 13v5a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-5',
  sandbox: 'M9 3h6M10 3v6L5 18a2 2 0 0 0 1.8 3h10.4A2 2 0 0 0 19 18l-5-9V3M7.5 15h9',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  cross: 'M6.5 6.5l11 11m0-11-11 11',
  alert: 'M12 9v4.5m0 3h.01M10.4 4.2 2.9 17.3A1.8 1.8 0 0 0 4.5 20h15a1.8 1.8 0 0 0 1.6-2.7L13.6 4.2a1.85 1.85 0 0 0-3.2 0Z',
  info: 'M12 11v5m0-8.5h.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z',
  spinner: 'M21 12a9 9 0 1 1-6.2-8.56',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M6 11h12a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1Z',
  key: 'M15 9h.01M20 9a5 5 0 0 1-6.6 4.7L11 16H9v2H7v2H4v-3l6.3-6.3A5 5 0 1 1 20 9Z',
  user: 'M19 20a7 7 0 0 0-14 0M16 8a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z',
  clock: 'M12 7v5l3.2 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z',
  send: 'M21 3 10.5 13.5M21 3l-6.5 18-4-7.5L3 9.5 21 3Z',
  pause: 'M9 6v12M15 6v12',
  pencil: 'M4 20h4L19 9a2.1 2.1 0 0 0-3-3L5 17l-1 3Z',
  plug: 'M9 3v5m6-5v5M6 8h12v3a6 6 0 0 1-12 0V8Zm6 9v4',
  left: 'm14 6-6 6 6 6',
  right: 'm10 6 6 6-6 6',
  external: 'M14 4h6v6m0-6-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0Z',
  contrast: 'M12 3a9 9 0 1 0 0 18Zm0 0a9 9 0 0 1 0 18',
  exit: 'M15 16l4-4-4-4m4 4H9m3 8H6a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2h6',
  search: 'm20 20-4.2-4.2M18 11a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z',
  clip: 'M20 11.5 12 19.4a5 5 0 0 1-7-7l8-8a3.4 3.4 0 0 1 4.8 4.8l-8 8a1.7 1.7 0 0 1-2.4-2.4l7.3-7.3',
  dash: 'M7 12h10',
  copy: 'M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM4 15V5a1 1 0 0 1 1-1h10',
  inbox: 'M3 13h5l1.5 3h5L16 13h5M5.5 5h13L21 13v5a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-5L5.5 5Z',
  bell: 'M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15L6 16Zm4 5h4',
  list: 'M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01',
  people: 'M15 20a6 6 0 0 0-12 0M12.5 8.5a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0ZM21 20a6 6 0 0 0-4.5-5.8M15.5 5.2a3.5 3.5 0 0 1 0 6.6',
  user_plus: 'M16 20a6.5 6.5 0 0 0-13 0M13 8a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0ZM19 8v6m3-3h-6',
  menu: 'M4 7h16M4 12h16M4 17h16',
  house: 'M4 11 12 4l8 7M6 9.5V20h4.5v-5h3v5H18V9.5',
  calendar: 'M5 5h14a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM8 3v4m8-4v4M4 10h16',
};

export const Icon = ({ name, spin = false }) => html`
  <svg class=${spin ? 'icon spin' : 'icon'} viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false"
    fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">
    <path d=${PATHS[name]} />
  </svg>`;
