import type { Message } from '../types/chat';
import type { Conversation, ConversationChange, ConversationDocument, ConversationPage } from '../types/conversation';
import { asArray, asObject } from '../utils/json';
import { APIFailure, askAPI } from './api';
import type { ConversationArchive, ListRequest } from './archive';
import type { ConversationDatabase } from './database';
import { readConversation, readMessages, writeChange, writeConversation, writeMessage } from './wire';

const root = '/api/sessions';
const pageLength = 50;
const messagesAtOnce = 200;

/** Conversations on the server, with copies in this browser to be read while the server is away. */
export class ServerArchive implements ConversationArchive {
    readonly place = 'server';

    constructor(private readonly copies: ConversationDatabase) {}

    async list({ search, after }: ListRequest): Promise<ConversationPage> {
        const query = new URLSearchParams({ limit: String(pageLength) });
        if (search) query.set('search', search);
        if (after !== undefined) query.set('after', after);
        return readPage(await askAPI(`${root}?${query.toString()}`));
    }

    async load(id: string): Promise<ConversationDocument | undefined> {
        const path = `${root}/${encodeURIComponent(id)}`;
        try {
            const [session, messages] = await Promise.all([askAPI(path), this.messages(path)]);
            const conversation = readConversation(session);
            return conversation && { conversation, messages };
        } catch (error) {
            if (error instanceof APIFailure && error.status === 404) return undefined;
            throw error;
        }
    }

    private async messages(path: string): Promise<readonly Message[]> {
        const all: Message[] = [];
        for (;;) {
            const last = all[all.length - 1];
            const after = last ? `&after=${encodeURIComponent(last.id)}` : '';
            const answer = asObject(await askAPI(`${path}/messages?limit=${messagesAtOnce}${after}`));
            const page = readMessages(answer?.data);
            all.push(...page);
            if (answer?.has_more !== true || page.length === 0) return all;
        }
    }

    async create(conversation: Conversation): Promise<void> {
        try {
            await askAPI(root, { method: 'POST', body: writeCreation(conversation) });
        } catch (error) {
            // It is there already: its first message came before.
            if (!(error instanceof APIFailure && error.status === 409)) throw error;
        }
    }

    async change(id: string, change: ConversationChange): Promise<void> {
        await askAPI(`${root}/${encodeURIComponent(id)}`, { method: 'PATCH', body: writeChange(change) });
    }

    async remove(id: string): Promise<void> {
        void this.copies.remove(id);
        await removeAt(`${root}/${encodeURIComponent(id)}`);
    }

    async removeMessage(conversationId: string, messageId: string): Promise<void> {
        await removeAt(`${root}/${encodeURIComponent(conversationId)}/messages/${encodeURIComponent(messageId)}`);
    }

    async addMessage(conversationId: string, message: Message): Promise<void> {
        const { id, parent_id, role, content, state } = writeMessage(message);
        try {
            await askAPI(`${root}/${encodeURIComponent(conversationId)}/messages`,
                { method: 'POST', body: { id, parent_id, role, content, state } });
        } catch (error) {
            if (!(error instanceof APIFailure && error.status === 409)) throw error;
        }
    }

    persist(document: ConversationDocument): Promise<void> {
        return this.copies.put(document);
    }

    exportAll(): Promise<unknown> {
        return askAPI(`${root}/export`, { timeout: 120_000 });
    }

    async importFile(document: unknown): Promise<readonly Conversation[]> {
        return readPage(await askAPI(`${root}/import`, { method: 'POST', body: document, timeout: 120_000 })).items;
    }
}

function writeCreation(conversation: Conversation): Readonly<Record<string, unknown>> {
    const { id, title, model, system_prompt, pinned, settings } = writeConversation(conversation);
    return { id, title, model, system_prompt, pinned, settings };
}

/** What is gone already is removed as wished. */
async function removeAt(path: string): Promise<void> {
    try {
        await askAPI(path, { method: 'DELETE' });
    } catch (error) {
        if (!(error instanceof APIFailure && error.status === 404)) throw error;
    }
}

function readPage(value: unknown): ConversationPage {
    const object = asObject(value);
    const items = asArray(object?.data).map(readConversation).filter((item): item is Conversation => item !== undefined);
    return { items, hasMore: object?.has_more === true };
}
