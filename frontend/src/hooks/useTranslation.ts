import { useCallback } from 'react';
import { useStore } from '../store/createStore';
import { preferencesStore } from '../store/preferencesStore';
import type { Language } from '../utils/preferences';
import { fill, texts, type TextKey } from '../utils/texts';

export type Translate = (key: TextKey, values?: Readonly<Record<string, string>>) => string;

export function useTranslation(): { readonly t: Translate; readonly language: Language } {
    const language = useStore(preferencesStore, (state) => state.language);
    const t = useCallback<Translate>((key, values) => fill(texts[language][key], values), [language]);
    return { t, language };
}
