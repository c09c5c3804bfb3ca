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
    const [following, setFollowing] = useState(true);

    const follow = useCallback((value: boolean) => {
        follows.current = value;
        setFollowing(value);
    }, []);

    const jumpToLatest = useCallback(() => {
        follow(true);
        scrollToEnd(viewport.current);
    }, [follow]);

    useEffect(() => {
        const view = viewport.current;
        const inner = content.current;
        if (!view || !inner) return undefined;
        let lastTop = view.scrollTop;
        let lastHeight = view.scrollHeight;
        const onScroll = (): void => {
            const { scrollTop, scrollHeight, clientHeight } = view;
            const atEnd = scrollHeight - scrollTop - clientHeight <= slack;
            // Shrinking content moves the position up too; only a move up by itself is the reader's.
            if (atEnd) follow(true);
            else if (scrollTop < lastTop - 1 && scrollHeight >= lastHeight) follow(false);
            lastTop = scrollTop;
            lastHeight = scrollHeight;
        };
        const observer = new ResizeObserver(() => {
            if (follows.current) scrollToEnd(view);
        });
        view.addEventListener('scroll', onScroll, { passive: true });
        observer.observe(inner);
        observer.observe(view);
        scrollToEnd(view);
        return () => {
            view.removeEventListener('scroll', onScroll);
            observer.disconnect();
        };
    }, [follow]);

    return { viewport, content, following, jumpToLatest };
}

function scrollToEnd(view: HTMLElement | null): void {
    if (view) view.scrollTop = view.scrollHeight;
}
