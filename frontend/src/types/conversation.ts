import type { Message } from './chat';

/** How replies are generated; what is undefined is left to the server. */
export interface GenerationSettings {
    readonly temperature?: number | undefined;
    readonly topP?: number | undefined;
    readonly topK?: number | undefined;
    /** Tokens of one reply; 0 means as many as fit into the context. */
    readonly maxTokens?: number | undefined;
    readonly seed?: number | undefined;
    readonly stop?: readonly string[] | undefined;
}

export interface Conversation {
    readonly id: string;
    readonly title: string;
    /** Unix milliseconds. */
    readonly createdAt: number;
    readonly updatedAt: number;
    readonly model: string | null;
    readonly systemPrompt: string | null;
    readonly pinned: boolean;
    readonly settings: GenerationSettings;
    readonly currentMessageId: string | null;
    /** A part of a message in which the searched text was found. */
    readonly snippet?: string | undefined;
    /** The archive is not known to have it. */
    readonly unsaved?: boolean | undefined;
}

/** What may be changed in a conversation. */
export type ConversationChange = Partial<Pick<Conversation,
    'title' | 'pinned' | 'model' | 'systemPrompt' | 'settings' | 'currentMessageId'>>;

/** A conversation with all its messages, in order of creation. */
export interface ConversationDocument {
    readonly conversation: Conversation;
    readonly messages: readonly Message[];
}

export interface ConversationPage {
    readonly items: readonly Conversation[];
    readonly hasMore: boolean;
}
