// Runs before the first paint, in its own small file, so that the page never flashes in the wrong theme.
import { applyLanguage, applyTheme, storedLanguage, storedTheme } from './utils/preferences';

applyTheme(storedTheme());
applyLanguage(storedLanguage());
