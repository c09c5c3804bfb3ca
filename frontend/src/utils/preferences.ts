import type { GenerationSettings } from '../types/conversation';
import { asArray, asNumber, asString, parseObject, type JSONObject } from './json';
import { readStored, storageKeys } from './storage';

export const themes = ['light', 'dark', 'system'] as const;
export type Theme = (typeof themes)[number];

export const languages = ['en', 'zh'] as const;
export type Language = (typeof languages)[number];

export const fontSizes = ['small', 'medium', 'large'] as const;
export type FontSize = (typeof fontSizes)[number];

export const darkQuery = '(prefers-color-scheme: dark)';

/** Tokens of a reply unless the reader chooses otherwise: small models seldom end by themselves, and the context is not endless. */
export const defaultMaxTokens = 1024;

export function storedTheme(): Theme {
    const value = readStored(storageKeys.theme);
    return themes.find((theme) => theme === value) ?? 'system';
}

/** The language chosen in the page, else the first one of the browser's languages that we speak, else English. */
export function storedLanguage(): Language {
    const value = readStored(storageKeys.language);
    const chosen = languages.find((language) => language === value);
    if (chosen) return chosen;
    for (const tag of navigator.languages) {
        const match = languages.find((language) => tag.toLowerCase().split('-')[0] === language);
        if (match) return match;
    }
    return 'en';
}

export function storedFontSize(): FontSize {
    const value = readStored(storageKeys.fontSize);
    return fontSizes.find((size) => size === value) ?? 'medium';
}

export function storedGeneration(): GenerationSettings {
    return { maxTokens: defaultMaxTokens, ...readGeneration(parseObject(readStored(storageKeys.generation) ?? '')) };
}

/** Settings from storage, the server or an imported file, in the API's spelling; what is missing or out of range is left out. */
export function readGeneration(value: JSONObject | undefined): GenerationSettings {
    const stop = asArray(value?.stop).map(asString).filter((text): text is string => text !== undefined && text !== '').slice(0, 4);
    const settings: Record<string, number | undefined> = {
        temperature: within(asNumber(value?.temperature), 0, 2),
        topP: within(asNumber(value?.top_p), 0, 1),
        topK: within(asNumber(value?.top_k), 0, 1_000_000),
        maxTokens: within(asNumber(value?.max_tokens), 0, 10_000_000),
        seed: within(asNumber(value?.seed), 0, Number.MAX_SAFE_INTEGER),
    };
    const present = Object.fromEntries(Object.entries(settings).filter(([, number]) => number !== undefined));
    return { ...present, ...(stop.length > 0 && { stop }) };
}

/** The same settings in the API's spelling. */
export function generationObject({ temperature, topP, topK, maxTokens, seed, stop }: GenerationSettings): JSONObject {
    return JSON.parse(JSON.stringify({ temperature, top_p: topP, top_k: topK, max_tokens: maxTokens, seed, stop })) as JSONObject;
}

function within(value: number | undefined, low: number, high: number): number | undefined {
    return value !== undefined && value >= low && value <= high ? value : undefined;
}

/** Puts the theme on the document; `system` follows the operating system. */
export function applyTheme(theme: Theme): void {
    const dark = theme === 'dark' || (theme === 'system' && window.matchMedia(darkQuery).matches);
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', dark ? '#101116' : '#fbfbfd');
}

export function applyLanguage(language: Language): void {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
}

export function applyFontSize(size: FontSize): void {
    document.documentElement.dataset.fontSize = size;
}
