import {
    applyLanguage, applyTheme, darkQuery, storedLanguage, storedTheme,
    type Language, type Theme,
} from '../utils/preferences';
import { local, storageKeys, writeStored } from '../utils/storage';
import { createStore } from './createStore';

interface Preferences {
    readonly theme: Theme;
    readonly language: Language;
}

export const preferencesStore = createStore<Preferences>({ theme: storedTheme(), language: storedLanguage() });

export function setTheme(theme: Theme): void {
    writeStored(local, storageKeys.theme, theme);
    preferencesStore.set({ theme });
    applyTheme(theme);
}

export function setLanguage(language: Language): void {
    writeStored(local, storageKeys.language, language);
    preferencesStore.set({ language });
    applyLanguage(language);
}

window.matchMedia(darkQuery).addEventListener('change', () => applyTheme(preferencesStore.get().theme));
