import type { Message } from '../types/chat';
import type { Conversation, ConversationChange, ConversationDocument } from '../types/conversation';
import { copies } from '../services/archives';
import { newIdentifier } from '../utils/identifier';
import { pathTo, treeOf } from '../utils/tree';
import { createStore, useStore } from './createStore';
import { knownArchive, listStore, putInList, theArchive } from './listStore';
import { liveReply } from './liveReplies';
import { preferencesStore } from './preferencesStore';
import { againWhileReady } from './serverStore';

/** `new`: nothing has been said yet, and nothing is stored. */
export type OpenState = 'new' | 'loading' | 'ready' | 'missing' | 'unreachable';

export interface OpenConversation extends ConversationDocument {
    readonly state: OpenState;
}

interface ChatState {
    readonly activeId: string;
    /** Conversations that were opened since the page was loaded; replies may be written in several. */
    readonly open: Readonly<Record<string, OpenConversation>>;
}

function newOpenConversation(): OpenConversation {
    const now = Date.now();
    const conversation: Conversation = {
        id: newIdentifier(), title: '', createdAt: now, updatedAt: now, model: null, systemPrompt: null, pinned: false,
        settings: preferencesStore.get().generation, currentMessageId: null, unsaved: true,
    };
    return { state: 'new', conversation, messages: [] };
}

const first = newOpenConversation();
export const chatStore = createStore<ChatState>({ activeId: first.conversation.id, open: { [first.conversation.id]: first } });

export function openConversation(id: string): OpenConversation | undefined {
    return chatStore.get().open[id];
}

export function activeConversation(): OpenConversation {
    const { activeId, open } = chatStore.get();
    return open[activeId] ?? first;
}

export function useActive<Part>(select: (conversation: OpenConversation) => Part): Part {
    return useStore(chatStore, ({ activeId, open }) => select(open[activeId] ?? first));
}

/** The messages shown: those from the root to the current one. */
export function shownPath({ conversation, messages }: ConversationDocument): readonly Message[] {
    const known = paths.get(messages);
    if (known && known.leaf === conversation.currentMessageId) return known.path;
    const path = pathTo(messages, conversation.currentMessageId);
    paths.set(messages, { leaf: conversation.currentMessageId, path });
    return path;
}

const paths = new WeakMap<readonly Message[], { readonly leaf: string | null; readonly path: readonly Message[] }>();

export function updateOpen(id: string, change: (conversation: OpenConversation) => Partial<OpenConversation>): void {
    chatStore.set(({ open }) => {
        const before = open[id];
        return before ? { open: { ...open, [id]: { ...before, ...change(before) } } } : {};
    });
}

/** Shows a new, empty conversation; the one that is open if nothing has been said in it. */
export function showNewConversation(): void {
    const active = activeConversation();
    if (active.state === 'new') return;
    const waiting = Object.values(chatStore.get().open).find(({ state }) => state === 'new');
    const next = waiting ?? newOpenConversation();
    const { id } = next.conversation;
    chatStore.set(({ open }) => ({ activeId: id, open: { ...open, [id]: next } }));
}

export function showConversation(id: string): void {
    const known = openConversation(id);
    if (known) chatStore.set({ activeId: id });
    else {
        const listed = listStore.get().items.find((item) => item.id === id);
        const { conversation } = newOpenConversation();
        const opening: OpenConversation = { state: 'loading', conversation: listed ?? { ...conversation, id, unsaved: undefined },
            messages: [] };
        chatStore.set(({ open }) => ({ activeId: id, open: { ...open, [id]: opening } }));
    }
    if (!known || known.state === 'missing' || known.state === 'unreachable') void reload(id);
}

/** Reads the conversation shown anew: it may have gone on in another tab or on another device. */
export function refreshActive(): void {
    const { state, conversation: { id, unsaved } } = activeConversation();
    if (state === 'ready' && !unsaved && !hasRunningReply(id)) void reload(id);
}

const pollInterval = 1_000;

/**
 * Reads a conversation from the archive; where that can't be asked, from the copy in this browser.
 * Messages that never reached the server are kept. A reply that is being written elsewhere is asked for again until it is complete.
 */
export async function reload(id: string): Promise<void> {
    const copy = await copies.get(id);
    try {
        const archive = await theArchive();
        const document = await archive.load(id);
        if (!document) {
            showUnstored(id, copy);
            return;
        }
        updateOpen(id, (before) => merge(document, before.messages.length > 0 ? before : { ...before, messages: copy?.messages ?? [] }));
        const merged = openConversation(id);
        if (merged) void archive.persist(merged);
        if (document.messages.some((message) => message.state === 'streaming' && !liveReply(message.id))) {
            window.setTimeout(() => void reload(id), pollInterval);
        }
    } catch {
        updateOpen(id, (before) => {
            if (before.state === 'ready') return {};
            return copy ? { state: 'ready', ...copy } : { state: 'unreachable' };
        });
        againWhileReady(() => void reload(id));
    }
}

/** A conversation that the archive doesn't have: one that never got there, or one that was deleted. */
function showUnstored(id: string, copy: ConversationDocument | undefined): void {
    const opened = openConversation(id);
    if (opened?.state === 'new' || hasRunningReply(id)) return;
    if (opened?.state === 'ready' && opened.conversation.unsaved) return;
    updateOpen(id, () => (copy?.conversation.unsaved ? { state: 'ready', ...copy } : { state: 'missing' }));
}

/** What the archive has, with what only this page has: messages that never got there, and longer texts of replies that were cut off. */
function merge(stored: ConversationDocument, before: OpenConversation): Partial<OpenConversation> {
    const own = before.messages;
    const ownById = new Map(own.map((message) => [message.id, message]));
    const known = new Set(stored.messages.map(({ id }) => id));
    const messages = stored.messages.map((message) => {
        const mine = ownById.get(message.id);
        if (!mine) return message;
        if (liveReply(message.id)) return mine;
        const longer = message.state !== 'complete' && mine.content.length > message.content.length;
        const base = longer ? { ...message, content: mine.content } : message;
        return { ...base, failure: message.state === 'complete' ? undefined : mine.failure, figures: message.figures ?? mine.figures };
    });
    for (const message of own) {
        if (known.has(message.id) || !(message.unsaved || liveReply(message.id))) continue;
        if (message.parentId !== null && !known.has(message.parentId)) continue;
        messages.push(message);
        known.add(message.id);
    }
    const last = own[own.length - 1];
    const wanted = before.state === 'ready' ? before.conversation.currentMessageId : last?.unsaved ? last.id : null;
    // Where the stored branch goes on from what is shown, it is followed.
    const goesOn = pathTo(messages, stored.conversation.currentMessageId).some(({ id }) => id === wanted);
    const currentMessageId = wanted !== null && known.has(wanted) && !goesOn ? wanted : stored.conversation.currentMessageId;
    return { state: 'ready', messages, conversation: { ...stored.conversation, currentMessageId } };
}

export function hasRunningReply(id: string): boolean {
    return openConversation(id)?.messages.some((message) => liveReply(message.id) !== undefined) ?? false;
}

/** Changes a conversation here, in the list, and in the archive. */
export async function changeConversation(id: string, change: ConversationChange): Promise<void> {
    const opened = openConversation(id);
    updateOpen(id, ({ conversation }) => ({ conversation: { ...conversation, ...change } }));
    if (opened?.state === 'new') return;
    const listed = listStore.get().items.find((item) => item.id === id);
    if (listed) putInList({ ...listed, ...change });
    await (await theArchive()).change(id, change);
    persist(id);
}

/** Has the archive keep the present state of a conversation. */
export function persist(id: string): void {
    const document = openConversation(id);
    if (!document || document.state !== 'ready') return;
    const messages = document.messages.map((message) => {
        const live = liveReply(message.id);
        return live ? { ...message, content: live.text } : message;
    });
    void knownArchive()?.persist({ conversation: document.conversation, messages });
}

export function replaceMessage(conversationId: string, id: string, change: (message: Message) => Message): void {
    updateOpen(conversationId, ({ messages }) => ({
        messages: messages.map((message) => (message.id === id ? change(message) : message)),
    }));
}

export function findMessage(conversationId: string, id: string): Message | undefined {
    const messages = openConversation(conversationId)?.messages;
    return messages && treeOf(messages).byId.get(id);
}
