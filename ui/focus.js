// Where the focus goes, and what is brought into view.
const PART_MS = 10000, FRAME_MS = 50; // as long as a part is waited for, and how often
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** The element by its id, with whatever it is folded into. */
export function focus(id) {
  const field = document.getElementById(id === 'security' ? 'security_starttls' : id);
  for (let fold = field?.closest('details:not([open])'); fold; fold = field.closest('details:not([open])')) fold.open = true;
  field?.focus();
}

/** One whose part may still be on its way here. Whoever types somewhere else by then goes on typing there. */
export const focusSoon = (id, until = Date.now() + PART_MS, from = document.activeElement) => {
  const now = document.activeElement;
  if (now !== from && now.matches('input, select, textarea')) return;
  focus(id);
  if (!document.getElementById(id) && Date.now() < until) setTimeout(focusSoon, FRAME_MS, id, until, from);
};

export const show = (selector, block = 'nearest') =>
  document.querySelector(selector)?.scrollIntoView({ block, behavior: calm() ? 'auto' : 'smooth' });

/** A card that may still be on its way here: from its top, and its heading has the focus. */
export const showSoon = (selector, until = Date.now() + PART_MS) => {
  document.querySelector(`${selector} h2`)?.focus({ preventScroll: true });
  show(selector, 'start');
  if (!document.querySelector(selector) && Date.now() < until) setTimeout(showSoon, FRAME_MS, selector, until);
};

export const toTop = (heading) => {
  heading?.focus({ preventScroll: true });
  scrollTo({ top: 0, behavior: calm() ? 'auto' : 'smooth' });
};

export const nobodyHasFocus = () => [null, document.body].includes(document.activeElement);
