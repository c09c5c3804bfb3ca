import { useEffect, type RefObject } from 'react';

/** Calls `dismiss` when Escape is pressed, or when pointer or focus go elsewhere, while `active`. */
export function useDismiss(area: RefObject<HTMLElement>, active: boolean, dismiss: (byKeyboard: boolean) => void): void {
    useEffect(() => {
        if (!active) return undefined;
        const onKey = (event: KeyboardEvent): void => {
            if (event.key === 'Escape') dismiss(true);
        };
        const onElsewhere = (event: Event): void => {
            if (event.target instanceof Node && !area.current?.contains(event.target)) dismiss(false);
        };
        document.addEventListener('keydown', onKey);
        document.addEventListener('pointerdown', onElsewhere);
        document.addEventListener('focusin', onElsewhere);
        return () => {
            document.removeEventListener('keydown', onKey);
            document.removeEventListener('pointerdown', onElsewhere);
            document.removeEventListener('focusin', onElsewhere);
        };
    }, [area, active, dismiss]);
}
