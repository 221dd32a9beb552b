// Start: all that the address leads to is asked for at once. Who is signed in, the words, the page with what it shows, and what draws it.
import { api } from './api.js';
import { startLanguage } from './i18n.js';
import { takeReturned } from './returned.js';
import { fetchEarly } from './routes.js';
import { startTheme } from './theme.js';

takeReturned();
const words = startLanguage();
const session = api.session().catch(() => null);
const page = fetchEarly(location.hash);
const frame = import('./frame.js');
startTheme();
await words;
(await frame).begin(session, page);
