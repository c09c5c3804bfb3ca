import { useCallback, useSyncExternalStore } from 'react';

export function useMediaQuery(query: string): boolean {
    const subscribe = useCallback((listener: () => void) => {
        const list = window.matchMedia(query);
        list.addEventListener('change', listener);
        return () => list.removeEventListener('change', listener);
    }, [query]);
    return useSyncExternalStore(subscribe, () => window.matchMedia(query).matches);
}

/** Below this width the list of conversations lies over the page. */
export const narrowQuery = '(width < 52rem)';
