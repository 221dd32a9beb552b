// A mail as its reader will see it, in a frame where nothing can run, be sent or lead away.
//
// The frame has no scripts, no forms and no ways out (sandbox without any of those rights), and beside the policy of the page it has one of
// its own: nothing is fetched, not even from here, and no script would run even if one slipped through. It shares the page's origin for
// one reason: these policies forbid style sheets and style attributes in markup, and a mail is made of little else. So the page sets
// them itself, which needs a way in (decision 0026).
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';
import { setAside } from '../mime.js';

const EMPTY = '<!doctype html><meta charset="utf-8">'
  + '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:"><title></title>';
const FORBIDDEN = 'script,style,link,meta,base,title,iframe,frame,frameset,object,embed,form,input,button,textarea,select,svg,math,template,noscript,audio,video';
const KEPT = new Set(['alt', 'title', 'width', 'height', 'align', 'valign', 'bgcolor', 'color', 'border', 'cellpadding', 'cellspacing', 'colspan', 'rowspan',
  'dir', 'lang', 'role', 'class', 'size', 'face', 'start']);
const BASE = 'a:not([class]) { text-decoration: underline }';

const STYLE = /<style\b[^>]*>([\s\S]*?)<\/style\s*>/gi;

/** A node of the mail with nothing but what a mail needs; its styles as properties. */
function dress(node) {
  const style = node.getAttribute('data-style');
  const source = node.getAttribute('src') ?? '';
  for (const { name } of [...node.attributes]) if (!KEPT.has(name)) node.removeAttribute(name);
  if (style) node.style.cssText = style;
  if (node.localName === 'img' && /^data:image\/(png|jpeg|gif|webp);base64,/i.test(source)) node.setAttribute('src', source);
}

/** Rules for a dark or a light reader hold or do not as this preview is set, whatever the browser itself is set to. */
const asIfSet = (css, scheme) => css.replace(/\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)/gi,
  (_, wanted) => (wanted.toLowerCase() === scheme ? '(min-width: 0px)' : '(max-width: 0px)'));

/** The mail as a body for this document, with nothing in it that does anything. */
export function harmless(page, source) {
  const mail = new DOMParser().parseFromString(setAside(source), 'text/html');
  for (const node of mail.querySelectorAll(FORBIDDEN)) node.remove();
  const body = page.importNode(mail.body ?? mail.createElement('body'), true); // of frames there is no body left
  for (const node of [body, ...body.querySelectorAll('*')]) dress(node);
  return body;
}

/** Puts a mail into the document of a frame. */
function fill(page, view, source, scheme) {
  const sheet = new view.CSSStyleSheet();
  sheet.replaceSync([BASE, `:root { color-scheme: ${scheme} }`, ...[...source.matchAll(STYLE)].map((match) => asIfSet(match[1], scheme))].join('\n'));
  page.adoptedStyleSheets = [sheet];
  page.documentElement.replaceChild(harmless(page, source), page.body);
}

/** source: the HTML; width: 'phone' or 'desktop'; scheme: 'light' or 'dark', as the reader's mail program is set. */
export function MailFrame({ title, source, width, scheme }) {
  const frame = useRef(null);
  const draw = () => {
    const page = frame.current?.contentDocument;
    if (page?.URL === 'about:srcdoc' && page.body) fill(page, frame.current.contentWindow, source, scheme);
  };
  useEffect(draw, [source, scheme]);
  return html`
    <div class=${`mail-stage ${width}`}>
      <iframe class="mail" sandbox="allow-same-origin" title=${title} srcdoc=${EMPTY} ref=${frame} onLoad=${draw}></iframe>
    </div>`;
}
