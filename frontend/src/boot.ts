// Runs before the first paint, in its own small file, so that the page never flashes in the wrong theme, language or size.
import { applyFontSize, applyLanguage, applyTheme, storedFontSize, storedLanguage, storedTheme } from './utils/preferences';

applyTheme(storedTheme());
applyLanguage(storedLanguage());
applyFontSize(storedFontSize());
