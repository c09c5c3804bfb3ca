import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';

/** Within this distance from the end the reader counts as being at the end. */
const slack = 32;

interface StickToBottom {
    readonly viewport: RefObject<HTMLDivElement>;
    readonly content: RefObject<HTMLDivElement>;
    /** False once the reader has scrolled up. */
    readonly following: boolean;
    readonly jumpToLatest: () => void;
}

/**
 * Keeps a scrolling element at its end while its content grows, lets go as soon as the reader scrolls up,
 * and takes hold again when the reader is back at the end.
 */
export function useStickToBottom(): StickToBottom {
    const viewport = useRef<HTMLDivElement>(null);
    const content = useRef<HTMLDivElement>(null);
    const follows = useRef(true);
    const last = useRef({ top: 0, height: 0 });
    const [following, setFollowing] = useState(true);

    const follow = useCallback((value: boolean) => {
        follows.current = value;
        setFollowing(value);
    }, []);

    /** What the page moves by itself is remembered at once, not to be taken for the reader's doing when it is told of later. */
    const scrollToEnd = useCallback(() => {
        const view = viewport.current;
        if (!view) return;
        view.scrollTop = view.scrollHeight;
        last.current = { top: view.scrollTop, height: view.scrollHeight };
    }, []);

    const jumpToLatest = useCallback(() => {
        follow(true);
        scrollToEnd();
    }, [follow, scrollToEnd]);

    useEffect(() => {
        const view = viewport.current;
        const inner = content.current;
        if (!view || !inner) return undefined;
        const onScroll = (): void => {
            const { scrollTop, scrollHeight, clientHeight } = view;
            const atEnd = scrollHeight - scrollTop - clientHeight <= slack;
            // Shrinking content moves the position up too; only a move up by itself is the reader's.
            if (atEnd) follow(true);
            else if (scrollTop < last.current.top - 1 && scrollHeight >= last.current.height) follow(false);
            last.current = { top: scrollTop, height: scrollHeight };
        };
        const observer = new ResizeObserver(() => {
            if (follows.current) scrollToEnd();
        });
        view.addEventListener('scroll', onScroll, { passive: true });
        observer.observe(inner);
        observer.observe(view);
        scrollToEnd();
        return () => {
            view.removeEventListener('scroll', onScroll);
            observer.disconnect();
        };
    }, [follow, scrollToEnd]);

    return { viewport, content, following, jumpToLatest };
}
