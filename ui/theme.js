// Light or dark: as the system says, until a person chooses otherwise on this device.
const STORED = 'absender.theme';

const systemTheme = () => (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');

export function startTheme() {
  const stored = localStorage.getItem(STORED);
  if (stored) document.documentElement.dataset.theme = stored;
}

/** The other one; choosing what the system says anyway follows the system again. */
export function nextTheme() {
  const root = document.documentElement;
  const next = (root.dataset.theme ?? systemTheme()) === 'dark' ? 'light' : 'dark';
  if (next === systemTheme()) {
    delete root.dataset.theme;
    localStorage.removeItem(STORED);
  } else {
    root.dataset.theme = next;
    localStorage.setItem(STORED, next);
  }
}
