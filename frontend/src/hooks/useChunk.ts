import { useEffect, useState } from 'react';

/** A part of the program that is loaded when it is first `wanted`; undefined until it is there. */
function chunkHook<Chunk>(load: () => Promise<Chunk>): (wanted: boolean) => Chunk | undefined {
    let chunk: Chunk | undefined;
    let loading: Promise<Chunk> | undefined;
    return function useChunk(wanted) {
        const [, setLoaded] = useState(chunk !== undefined);
        useEffect(() => {
            if (!wanted) return undefined;
            if (chunk) {
                // It may have come between drawing and this effect.
                setLoaded(true);
                return undefined;
            }
            let mounted = true;
            loading ??= load();
            loading.then((module) => {
                chunk = module;
                if (mounted) setLoaded(true);
            }, () => {
                // Not to be had now, as while offline: the text stays plain, and the next view tries again.
                loading = undefined;
            });
            return () => {
                mounted = false;
            };
        }, [wanted]);
        return chunk;
    };
}

export const useHighlighter = chunkHook(() => import('../services/highlighter'));
export const useMath = chunkHook(async () => {
    const math = await import('../services/math');
    await math.loadMathStyles();
    return math;
});
