/** One message as the API takes it. */
export interface WireMessage {
    readonly role: Role;
    readonly content: string;
}

export type Role = 'system' | 'user' | 'assistant';

export interface TokenUsage {
    readonly inputTokens: number;
    readonly outputTokens: number;
}

/** The server's own measurements of a reply. */
export interface Timings {
    readonly promptTokens?: number | undefined;
    readonly promptMilliseconds?: number | undefined;
    readonly promptPerSecond?: number | undefined;
    readonly outputTokens?: number | undefined;
    readonly outputPerSecond?: number | undefined;
    readonly cachedTokens?: number | undefined;
}

/** What a reader wants to know about a finished reply: the server's figures where it gave any, else those measured in the page. */
export interface ReplyFigures {
    readonly inputTokens?: number | undefined;
    readonly outputTokens?: number | undefined;
    readonly cachedTokens?: number | undefined;
    readonly firstTokenSeconds?: number | undefined;
    readonly tokensPerSecond?: number | undefined;
    readonly promptPerSecond?: number | undefined;
}

/**
 * Why there is no (complete) reply.
 * - `unreachable`: the request never got to the server
 * - `interrupted`: the connection was lost in the middle of the reply
 * - `busy`: the server asked to come back later (loading, or the queue is full)
 * - `unauthorized`: an API key is missing or wrong
 * - `refused`: the server answered with an error; `detail` holds its words
 */
export interface Failure {
    readonly kind: 'unreachable' | 'interrupted' | 'busy' | 'unauthorized' | 'refused';
    readonly detail?: string | undefined;
}

/** `streaming` is also what a reply is called that has not begun. */
export type MessageState = 'complete' | 'streaming' | 'cancelled' | 'interrupted' | 'failed';

/** A node of a conversation's tree: the children of one message are its variants, made by editing and asking again. */
export interface Message {
    readonly id: string;
    readonly parentId: string | null;
    readonly role: Role;
    readonly content: string;
    /** Unix milliseconds. */
    readonly createdAt: number;
    readonly state: MessageState;
    readonly finishReason?: string | undefined;
    readonly model?: string | undefined;
    readonly figures?: ReplyFigures | undefined;
    readonly failure?: Failure | undefined;
    /** The server is not known to have it. */
    readonly unsaved?: boolean | undefined;
}

/** How far a reply has come that has no text yet. */
export interface ReplyProgress {
    readonly queuePosition?: number | undefined;
    readonly promptTokens?: number | undefined;
    readonly processedTokens?: number | undefined;
}

/** A reply that is being written; kept apart from the conversation, so that only its own view renders as it grows. */
export interface LiveReply {
    readonly text: string;
    readonly progress?: ReplyProgress | undefined;
    /** Pieces of text so far, about one a token. */
    readonly pieces: number;
    /** By `performance.now()`. */
    readonly startedAt: number;
    readonly firstTextAt?: number | undefined;
    readonly lastTextAt?: number | undefined;
    /** How much of `text` was there before this run, for a continued reply. */
    readonly continuedFrom: number;
}
