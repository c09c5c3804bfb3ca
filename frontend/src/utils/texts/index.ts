import type { Language } from '../preferences';
import { chinese, chineseExamples } from './chinese';
import { english, englishExamples, type TextKey } from './english';

export type { TextKey };

export interface ExamplePrompt {
    readonly title: string;
    readonly prompt: string;
}

export const texts: Record<Language, Record<TextKey, string>> = { en: english, zh: chinese };
export const examplePrompts: Record<Language, readonly ExamplePrompt[]> = { en: englishExamples, zh: chineseExamples };
export const languageNames: Record<Language, string> = { en: 'English', zh: '中文' };

/** Fills `{name}` places of a text. */
export function fill(text: string, values: Readonly<Record<string, string>> = {}): string {
    return text.replace(/\{(\w+)\}/g, (place, name: string) => values[name] ?? place);
}
