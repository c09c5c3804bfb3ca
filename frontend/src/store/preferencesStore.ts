import { reconnect } from '../services/chatClient';
import type { GenerationSettings } from '../types/conversation';
import {
    applyFontSize, applyLanguage, applyTheme, darkQuery, generationObject, storedFontSize, storedGeneration, storedLanguage, storedTheme,
    type FontSize, type Language, type Theme,
} from '../utils/preferences';
import { readStored, storageKeys, writeStored } from '../utils/storage';
import { createStore } from './createStore';

interface Preferences {
    readonly theme: Theme;
    readonly language: Language;
    readonly fontSize: FontSize;
    readonly streaming: boolean;
    readonly apiKey: string;
    /** For new conversations. */
    readonly generation: GenerationSettings;
    /** On wide screens; on narrow ones the list is opened for one choice at a time. */
    readonly sidebarOpen: boolean;
}

export const preferencesStore = createStore<Preferences>({
    theme: storedTheme(),
    language: storedLanguage(),
    fontSize: storedFontSize(),
    streaming: readStored(storageKeys.streaming) !== 'off',
    apiKey: readStored(storageKeys.apiKey) ?? '',
    generation: storedGeneration(),
    sidebarOpen: readStored(storageKeys.sidebar) !== 'closed',
});

export function setTheme(theme: Theme): void {
    writeStored(storageKeys.theme, theme);
    preferencesStore.set({ theme });
    applyTheme(theme);
}

export function setLanguage(language: Language): void {
    writeStored(storageKeys.language, language);
    preferencesStore.set({ language });
    applyLanguage(language);
}

export function setFontSize(fontSize: FontSize): void {
    writeStored(storageKeys.fontSize, fontSize);
    preferencesStore.set({ fontSize });
    applyFontSize(fontSize);
}

export function setStreaming(streaming: boolean): void {
    writeStored(storageKeys.streaming, streaming ? null : 'off');
    preferencesStore.set({ streaming });
}

export function setAPIKey(apiKey: string): void {
    if (apiKey === preferencesStore.get().apiKey) return;
    writeStored(storageKeys.apiKey, apiKey === '' ? null : apiKey);
    preferencesStore.set({ apiKey });
    reconnect();
}

export function setDefaultGeneration(generation: GenerationSettings): void {
    writeStored(storageKeys.generation, JSON.stringify(generationObject(generation)));
    preferencesStore.set({ generation });
}

export function setSidebarOpen(sidebarOpen: boolean): void {
    writeStored(storageKeys.sidebar, sidebarOpen ? null : 'closed');
    preferencesStore.set({ sidebarOpen });
}

window.matchMedia(darkQuery).addEventListener('change', () => applyTheme(preferencesStore.get().theme));
