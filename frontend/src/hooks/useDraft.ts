import { useCallback, useEffect, useRef, useState } from 'react';
import { local, readStored, storageKeys, writeStored } from '../utils/storage';

const saveDelay = 300;

/** The text in the message box, kept over reloads. */
export function useDraft(): readonly [string, (text: string) => void] {
    const [draft, setDraft] = useState(() => readStored(local, storageKeys.draft) ?? '');
    const latest = useRef(draft);
    const timer = useRef<number>();

    const save = useCallback(() => {
        window.clearTimeout(timer.current);
        writeStored(local, storageKeys.draft, latest.current === '' ? null : latest.current);
    }, []);

    const change = useCallback((text: string) => {
        latest.current = text;
        setDraft(text);
        window.clearTimeout(timer.current);
        timer.current = window.setTimeout(save, saveDelay);
    }, [save]);

    useEffect(() => {
        window.addEventListener('pagehide', save);
        return () => window.removeEventListener('pagehide', save);
    }, [save]);

    return [draft, change];
}
