import { createStore } from './createStore';

export type Dialog = 'settings' | 'keys';

export interface Notice {
    readonly id: number;
    readonly text: string;
    readonly undo?: (() => void) | undefined;
}

interface InterfaceState {
    readonly dialog?: Dialog | undefined;
    /** The list of conversations lies over the page, on a narrow screen. */
    readonly drawerOpen: boolean;
    readonly notice?: Notice | undefined;
}

export const interfaceStore = createStore<InterfaceState>({ drawerOpen: false });

const noticeDuration = 6_000;
let counter = 0;
let timer: number | undefined;
let settle: (() => void) | undefined;

export function openDialog(dialog: Dialog | undefined): void {
    interfaceStore.set({ dialog });
}

export function setDrawer(drawerOpen: boolean): void {
    interfaceStore.set({ drawerOpen });
}

/** Says something for a moment. With `undo`, `commit` is called unless the reader takes it back in time. */
export function notify(text: string, undoable?: { readonly undo: () => void; readonly commit: () => void }): void {
    dismissNotice();
    counter += 1;
    settle = undoable?.commit;
    const undo = undoable && (() => {
        settle = undefined;
        undoable.undo();
        dismissNotice();
    });
    interfaceStore.set({ notice: { id: counter, text, undo } });
    timer = window.setTimeout(dismissNotice, noticeDuration);
}

/** Keeps a notice while the reader points at it or has the focus in it; afterwards its time begins anew. */
export function holdNotice(held: boolean): void {
    window.clearTimeout(timer);
    if (!held) timer = window.setTimeout(dismissNotice, noticeDuration);
}

export function dismissNotice(): void {
    window.clearTimeout(timer);
    const action = settle;
    settle = undefined;
    if (interfaceStore.get().notice) interfaceStore.set({ notice: undefined });
    action?.();
}

window.addEventListener('pagehide', () => {
    const action = settle;
    settle = undefined;
    action?.();
});
