import type { Conversation, ConversationChange, ConversationDocument, ConversationPage } from '../types/conversation';
import { newIdentifier } from '../utils/identifier';
import { withoutBranch } from '../utils/tree';
import { APIFailure } from './api';
import type { ConversationArchive, ListRequest } from './archive';
import { ConversationDatabase } from './database';
import { manyFormat, readDocuments, writeDocument } from './wire';

const pageLength = 50;

/** Conversations of this browser, for a server that keeps none. */
export class LocalArchive implements ConversationArchive {
    readonly place = 'browser';

    constructor(private readonly database: ConversationDatabase) {}

    async list({ search, after }: ListRequest): Promise<ConversationPage> {
        const all = [...await this.database.all()].sort((a, b) => b.updatedAt - a.updatedAt);
        const items = search ? await this.matching(all, search) : all;
        const start = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
        return { items: items.slice(start, start + pageLength), hasMore: items.length > start + pageLength };
    }

    private async matching(conversations: readonly Conversation[], search: string): Promise<Conversation[]> {
        const needle = search.toLowerCase();
        const found: Conversation[] = [];
        for (const conversation of conversations) {
            const messages = (await this.database.get(conversation.id))?.messages ?? [];
            const hit = messages.find(({ content }) => content.toLowerCase().includes(needle));
            if (hit) found.push({ ...conversation, snippet: snippetOf(hit.content, needle) });
            else if (conversation.title.toLowerCase().includes(needle)) found.push(conversation);
        }
        return found;
    }

    async load(id: string): Promise<ConversationDocument | undefined> {
        const document = await this.database.get(id);
        if (!document) return undefined;
        // What was being written when the page was closed will not go on.
        const messages = document.messages.map((message) =>
            message.state === 'streaming' ? { ...message, state: 'interrupted' as const } : message);
        return { ...document, messages };
    }

    create(conversation: Conversation): Promise<void> {
        return this.database.put({ conversation, messages: [] });
    }

    async change(id: string, change: ConversationChange): Promise<void> {
        const document = await this.database.get(id);
        if (document) await this.database.put({ ...document, conversation: { ...document.conversation, ...change } });
    }

    remove(id: string): Promise<void> {
        return this.database.remove(id);
    }

    async removeMessage(conversationId: string, messageId: string): Promise<void> {
        const document = await this.database.get(conversationId);
        if (document) await this.database.put({ ...document, messages: withoutBranch(document.messages, messageId) });
    }

    async addMessage(): Promise<void> {
        // `persist` keeps every message.
    }

    persist(document: ConversationDocument): Promise<void> {
        return this.database.put(document);
    }

    async exportAll(): Promise<unknown> {
        const documents = await Promise.all((await this.database.all()).map(({ id }) => this.database.get(id)));
        const sessions = documents.flatMap((document) => (document ? [writeDocument(document)] : []));
        return { format: manyFormat, version: 1, sessions: sessions.map(({ session, messages }) => ({ session, messages })) };
    }

    async importFile(value: unknown): Promise<readonly Conversation[]> {
        const documents = readDocuments(value);
        if (!documents) throw new APIFailure(400, 'not_an_export', '');
        const added: Conversation[] = [];
        for (const { conversation, messages } of documents) {
            const taken = await this.database.get(conversation.id);
            const kept = taken ? { ...conversation, id: newIdentifier() } : conversation;
            await this.database.put({ conversation: kept, messages });
            added.push(kept);
        }
        return added;
    }
}

function snippetOf(content: string, needle: string): string {
    const start = Math.max(0, content.toLowerCase().indexOf(needle) - 30);
    return `${start > 0 ? '…' : ''}${content.slice(start, start + 120).replace(/\s+/g, ' ')}`;
}
