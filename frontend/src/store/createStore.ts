import { useSyncExternalStore } from 'react';

/** A value that outlives components and tells its listeners when it is replaced. */
export interface Store<State> {
    get(): State;
    set(change: Partial<State> | ((state: State) => Partial<State>)): void;
    replace(state: State): void;
    subscribe(listener: () => void): () => void;
}

export function createStore<State extends object>(initial: State): Store<State> {
    let state = initial;
    const listeners = new Set<() => void>();
    const replace = (next: State): void => {
        state = next;
        for (const listener of [...listeners]) listener();
    };
    return {
        get: () => state,
        set: (change) => replace({ ...state, ...(typeof change === 'function' ? change(state) : change) }),
        replace,
        subscribe(listener) {
            listeners.add(listener);
            return () => listeners.delete(listener);
        },
    };
}

/** Renders again only when the selected part changes (by `Object.is`). */
export function useStore<State extends object, Part>(store: Store<State>, select: (state: State) => Part): Part {
    return useSyncExternalStore(store.subscribe, () => select(store.get()));
}
