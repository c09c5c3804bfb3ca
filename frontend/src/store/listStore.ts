import { APIFailure } from '../services/api';
import type { ConversationArchive } from '../services/archive';
import { copies, findArchive } from '../services/archives';
import type { Conversation } from '../types/conversation';
import { createStore } from './createStore';
import { againWhileReady, serverStore } from './serverStore';

interface ListState {
    readonly items: readonly Conversation[];
    readonly hasMore: boolean;
    /** The last conversation that the archive has listed; what it lists next is older. */
    readonly cursor?: string | undefined;
    readonly search: string;
    /** What `search` has found; undefined while nothing is searched for. */
    readonly results?: readonly Conversation[] | undefined;
    /** Where conversations are kept; `unknown` until the server has been asked, `copies` while it can't be. */
    readonly place: 'unknown' | 'server' | 'browser' | 'copies';
}

export const listStore = createStore<ListState>({ items: [], hasMore: false, search: '', place: 'unknown' });

let archive: ConversationArchive | undefined;
let finding: Promise<ConversationArchive> | undefined;

/** The archive of conversations; asks the server once whether it keeps any. @throws APIFailure */
export async function theArchive(): Promise<ConversationArchive> {
    if (archive) return archive;
    finding ??= findArchive();
    try {
        archive = await finding;
        serverStore.set({ needsKey: false });
        return archive;
    } finally {
        finding = undefined;
    }
}

/** The archive if it is known already. */
export function knownArchive(): ConversationArchive | undefined {
    return archive;
}

export async function refreshList(): Promise<void> {
    try {
        const found = await theArchive();
        const { items, hasMore } = await found.list({});
        const fresh = new Set(items.map(({ id }) => id));
        const oldest = items[items.length - 1]?.updatedAt ?? 0;
        // Older pages that were shown already stay.
        const older = hasMore ? listStore.get().items.filter(({ id, updatedAt }) => !fresh.has(id) && updatedAt < oldest) : [];
        const unsent = found.place === 'server' ? (await copies.all()).filter(({ id, unsaved }) => unsaved && !fresh.has(id)) : [];
        listStore.set((state) => ({
            items: [...unsent, ...items, ...older], place: found.place,
            // With older pages kept, the list goes on where it has ended.
            ...(older.length === 0 ? { hasMore, cursor: items[items.length - 1]?.id } : { hasMore: state.hasMore }),
        }));
    } catch (error) {
        await showCopies(error);
    }
}

async function showCopies(error: unknown): Promise<void> {
    if (error instanceof APIFailure && error.status === 401) serverStore.set({ needsKey: true });
    if (archive?.place === 'browser') return;
    listStore.set({ items: await copies.all(), hasMore: false, place: 'copies' });
    againWhileReady(() => void refreshList());
}

export async function loadMore(): Promise<void> {
    const { cursor, hasMore } = listStore.get();
    if (!hasMore || cursor === undefined || !archive) return;
    try {
        const page = await archive.list({ after: cursor });
        const known = new Set(listStore.get().items.map(({ id }) => id));
        listStore.set((state) => ({
            items: [...state.items, ...page.items.filter(({ id }) => !known.has(id))],
            hasMore: page.hasMore,
            cursor: page.items[page.items.length - 1]?.id ?? cursor,
        }));
    } catch {
        // The button stays, and can be pressed again.
    }
}

let searchTimer: number | undefined;

export function setSearch(search: string): void {
    window.clearTimeout(searchTimer);
    listStore.set({ search, ...(search.trim() === '' && { results: undefined }) });
    if (search.trim() !== '') searchTimer = window.setTimeout(() => void runSearch(search), 160);
}

async function runSearch(search: string): Promise<void> {
    const words = search.trim();
    let results: readonly Conversation[];
    try {
        results = (await (await theArchive()).list({ search: words })).items;
    } catch {
        results = listStore.get().items.filter(({ title }) => title.toLowerCase().includes(words.toLowerCase()));
    }
    if (listStore.get().search === search) listStore.set({ results });
}

/** Puts a conversation into the list, or its new state in place of the old. */
export function putInList(conversation: Conversation): void {
    const replace = (items: readonly Conversation[]): readonly Conversation[] =>
        items.map((item) => (item.id === conversation.id ? { ...item, ...conversation, snippet: item.snippet } : item));
    listStore.set(({ items, results }) => ({
        items: items.some(({ id }) => id === conversation.id) ? replace(items) : [conversation, ...items],
        results: results && replace(results),
    }));
}

export function takeFromList(id: string): void {
    const without = (items: readonly Conversation[]): readonly Conversation[] => items.filter((item) => item.id !== id);
    listStore.set(({ items, results }) => ({ items: without(items), results: results && without(results) }));
}
