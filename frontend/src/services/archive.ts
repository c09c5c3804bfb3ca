import type { Message } from '../types/chat';
import type { Conversation, ConversationChange, ConversationDocument, ConversationPage } from '../types/conversation';

export interface ListRequest {
    readonly search?: string | undefined;
    /** Id of the last conversation of the page before. */
    readonly after?: string | undefined;
}

/** Where conversations are kept: on the server, or in this browser. Everything may throw `APIFailure`. */
export interface ConversationArchive {
    readonly place: 'server' | 'browser';
    list(request: ListRequest): Promise<ConversationPage>;
    /** Undefined if there is no such conversation. */
    load(id: string): Promise<ConversationDocument | undefined>;
    create(conversation: Conversation): Promise<void>;
    change(id: string, change: ConversationChange): Promise<void>;
    remove(id: string): Promise<void>;
    removeMessage(conversationId: string, messageId: string): Promise<void>;
    /** Stores a message that did not come to the archive by itself. */
    addMessage(conversationId: string, message: Message): Promise<void>;
    /** Told after every change of a document, and about once a second while a reply is written. */
    persist(document: ConversationDocument): Promise<void>;
    /** A document to be kept as a file. */
    exportAll(): Promise<unknown>;
    /** Gives the conversations that were added. */
    importFile(document: unknown): Promise<readonly Conversation[]>;
}
