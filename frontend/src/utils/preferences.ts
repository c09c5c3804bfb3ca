import { local, readStored, storageKeys } from './storage';

export const themes = ['light', 'dark', 'system'] as const;
export type Theme = (typeof themes)[number];

export const languages = ['en', 'zh'] as const;
export type Language = (typeof languages)[number];

export const darkQuery = '(prefers-color-scheme: dark)';

export function storedTheme(): Theme {
    const value = readStored(local, storageKeys.theme);
    return themes.find((theme) => theme === value) ?? 'system';
}

/** The language chosen in the page, else the first one of the browser's languages that we speak, else English. */
export function storedLanguage(): Language {
    const value = readStored(local, storageKeys.language);
    const chosen = languages.find((language) => language === value);
    if (chosen) return chosen;
    for (const tag of navigator.languages) {
        const match = languages.find((language) => tag.toLowerCase().split('-')[0] === language);
        if (match) return match;
    }
    return 'en';
}

/** Puts the theme on the document; `system` follows the operating system. */
export function applyTheme(theme: Theme): void {
    const dark = theme === 'dark' || (theme === 'system' && window.matchMedia(darkQuery).matches);
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', dark ? '#0f1015' : '#fbfbfd');
}

export function applyLanguage(language: Language): void {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
}
