import { useEffect } from 'react';
import { navigate } from '../routes/navigation';
import { stopActive } from '../store/actions';
import { interfaceStore, openDialog, setDrawer } from '../store/interfaceStore';
import { preferencesStore, setSidebarOpen } from '../store/preferencesStore';
import { isApple } from '../utils/environment';
import { narrowQuery } from './useMediaQuery';

export const messageBoxId = 'message';
export const searchBoxId = 'search';

export function focusElement(id: string): void {
    window.requestAnimationFrame(() => document.getElementById(id)?.focus());
}

export function startNewConversation(): void {
    navigate('/');
    setDrawer(false);
    focusElement(messageBoxId);
}

export function toggleSidebar(open?: boolean): void {
    if (window.matchMedia(narrowQuery).matches) setDrawer(open ?? !interfaceStore.get().drawerOpen);
    else setSidebarOpen(open ?? !preferencesStore.get().sidebarOpen);
}

function isWriting(target: EventTarget | null): boolean {
    return target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable]') !== null;
}

/** What a key does anywhere in the page; undefined for keys that are none of ours. */
function actionFor(event: KeyboardEvent): (() => void) | undefined {
    const command = isApple ? event.metaKey : event.ctrlKey;
    if (command && event.shiftKey) {
        switch (event.key.toLowerCase()) {
            case 'o': return startNewConversation;
            case 's': return () => toggleSidebar();
            default: return undefined;
        }
    }
    if (command && !event.altKey) {
        switch (event.key.toLowerCase()) {
            case 'k':
                return () => {
                    toggleSidebar(true);
                    focusElement(searchBoxId);
                };
            case ',': return () => openDialog('settings');
            case '/': return () => openDialog('keys');
            default: return undefined;
        }
    }
    if (event.altKey || isWriting(event.target)) return undefined;
    switch (event.key) {
        case '?': return () => openDialog('keys');
        case '/': return () => focusElement(messageBoxId);
        case 'Escape': return stopActive;
        default: return undefined;
    }
}

export function useShortcuts(): void {
    useEffect(() => {
        const onKey = (event: KeyboardEvent): void => {
            if (event.defaultPrevented || event.isComposing || interfaceStore.get().dialog) return;
            const action = actionFor(event);
            if (!action) return;
            if (event.key !== 'Escape') event.preventDefault();
            action();
        };
        document.addEventListener('keydown', onKey);
        return () => document.removeEventListener('keydown', onKey);
    }, []);
}
