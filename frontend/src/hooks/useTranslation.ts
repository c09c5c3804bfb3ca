import { useCallback } from 'react';
import { preferencesStore } from '../store/preferencesStore';
import { useStore } from '../store/createStore';
import { fill, messages, type MessageKey } from '../utils/messages';
import type { Language } from '../utils/preferences';

export type Translate = (key: MessageKey, values?: Readonly<Record<string, string>>) => string;

export function useTranslation(): { readonly t: Translate; readonly language: Language } {
    const language = useStore(preferencesStore, (state) => state.language);
    const t = useCallback<Translate>((key, values) => fill(messages[language][key], values), [language]);
    return { t, language };
}
