import { useCallback, useEffect, useRef, useState } from 'react';
import { copyText } from '../utils/clipboard';

export type CopyState = 'idle' | 'copied' | 'failed';

const noticeDuration = 1_800;

/** Copies a text and says for a moment how it went. */
export function useCopy(text: string): { readonly state: CopyState; readonly copy: () => void } {
    const [state, setState] = useState<CopyState>('idle');
    const timer = useRef<number>();
    useEffect(() => () => window.clearTimeout(timer.current), []);
    const copy = useCallback(() => {
        void copyText(text).then((worked) => {
            setState(worked ? 'copied' : 'failed');
            window.clearTimeout(timer.current);
            timer.current = window.setTimeout(() => setState('idle'), noticeDuration);
        });
    }, [text]);
    return { state, copy };
}
