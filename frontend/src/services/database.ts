import type { Conversation, ConversationDocument } from '../types/conversation';
import type { Message } from '../types/chat';

const name = 'stellarchat';
const version = 1;

/** `local`: conversations of this browser; `copies`: of those on the server, to be read while it is away. */
export type Area = 'local' | 'copies';

interface StoredMessages {
    readonly id: string;
    readonly messages: readonly Message[];
}

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
    opened ??= new Promise((resolve, reject) => {
        const request = window.indexedDB.open(name, version);
        request.onupgradeneeded = () => {
            for (const area of ['local', 'copies']) {
                request.result.createObjectStore(`${area}-conversations`, { keyPath: 'id' });
                request.result.createObjectStore(`${area}-messages`, { keyPath: 'id' });
            }
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    return opened;
}

function done<Value>(request: IDBRequest<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

/** Conversations in IndexedDB. Where the browser refuses that, they last as long as the page. */
export class ConversationDatabase {
    private readonly memory = new Map<string, ConversationDocument>();
    private usable = true;

    constructor(private readonly area: Area) {}

    async all(): Promise<readonly Conversation[]> {
        const stored = await this.attempt((stores) => done(stores.conversations.getAll() as IDBRequest<Conversation[]>));
        return stored ?? [...this.memory.values()].map(({ conversation }) => conversation);
    }

    async get(id: string): Promise<ConversationDocument | undefined> {
        const found = await this.attempt(async (stores) => {
            const conversation = done(stores.conversations.get(id) as IDBRequest<Conversation | undefined>);
            const messages = done(stores.messages.get(id) as IDBRequest<StoredMessages | undefined>);
            return { conversation: await conversation, messages: (await messages)?.messages ?? [] };
        });
        if (!found) return this.memory.get(id);
        return found.conversation && { conversation: found.conversation, messages: found.messages };
    }

    async put({ conversation, messages }: ConversationDocument): Promise<void> {
        const worked = await this.attempt(async (stores) => {
            const kept: StoredMessages = { id: conversation.id, messages };
            await Promise.all([done(stores.conversations.put(conversation)), done(stores.messages.put(kept))]);
            return true;
        }, 'readwrite');
        if (!worked) this.memory.set(conversation.id, { conversation, messages });
    }

    async remove(id: string): Promise<void> {
        this.memory.delete(id);
        await this.attempt(async (stores) => {
            await Promise.all([done(stores.conversations.delete(id)), done(stores.messages.delete(id))]);
            return true;
        }, 'readwrite');
    }

    private async attempt<Value>(
        action: (stores: { conversations: IDBObjectStore; messages: IDBObjectStore }) => Promise<Value>,
        mode: IDBTransactionMode = 'readonly',
    ): Promise<Value | undefined> {
        if (!this.usable) return undefined;
        try {
            const names = [`${this.area}-conversations`, `${this.area}-messages`];
            const transaction = (await open()).transaction(names, mode);
            const [conversations, messages] = names.map((each) => transaction.objectStore(each));
            return conversations && messages ? await action({ conversations, messages }) : undefined;
        } catch {
            this.usable = false;
            return undefined;
        }
    }
}
