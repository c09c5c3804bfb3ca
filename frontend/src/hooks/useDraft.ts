import { useCallback, useEffect, useRef, useState } from 'react';
import { readStored, storageKeys, writeStored } from '../utils/storage';

const saveDelay = 300;

/** The text in the message box of one conversation, kept over reloads. `name` is the conversation's id, or `new`. */
export function useDraft(name: string): readonly [string, (text: string) => void] {
    const key = storageKeys.draft + name;
    const [draft, setDraft] = useState(() => readStored(key) ?? '');
    const latest = useRef({ key, draft });
    const timer = useRef<number>();

    const save = useCallback(() => {
        window.clearTimeout(timer.current);
        writeStored(latest.current.key, latest.current.draft === '' ? null : latest.current.draft);
    }, []);

    if (latest.current.key !== key) {
        save();
        latest.current = { key, draft: readStored(key) ?? '' };
        setDraft(latest.current.draft);
    }

    const change = useCallback((text: string) => {
        latest.current = { ...latest.current, draft: text };
        setDraft(text);
        window.clearTimeout(timer.current);
        if (text === '') save();
        else timer.current = window.setTimeout(save, saveDelay);
    }, [save]);

    useEffect(() => {
        window.addEventListener('pagehide', save);
        return () => {
            window.removeEventListener('pagehide', save);
            save();
        };
    }, [save]);

    return [draft, change];
}
