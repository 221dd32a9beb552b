// Addresses and passwords as people type them; the server has the last word (and a list of the common passwords).
import { t } from './i18n.js';

export const LEAST_CHARACTERS = 10;

/** What is wrong with it, or ''. */
export const faultOfPassword = (password) => (!password ? t('fault.missing.password')
  : [...password].length < LEAST_CHARACTERS ? t('fault.password_too_short', { n: LEAST_CHARACTERS }) : '');

export const isAddress = (text) => /^[^\s@]+@[^\s@]+$/.test(text.trim());

/** What is wrong with an address as it was typed, or ''. */
export const faultOfAddress = (text) => (!text.trim() ? t('fault.missing.email') : isAddress(text) ? '' : t('fault.invalid_address'));
