/** One message as the API takes it. */
export interface WireMessage {
    readonly role: 'system' | 'user' | 'assistant';
    readonly content: string;
}

export interface TokenUsage {
    readonly inputTokens: number;
    readonly outputTokens: number;
}

/** What a reader wants to know about a finished reply. Times are measured in the page, token counts come from the server. */
export interface ReplyFigures extends TokenUsage {
    readonly firstTokenSeconds: number;
    /** Tokens after the first one, divided by the time between the first and the last piece of text; absent for very short replies. */
    readonly tokensPerSecond?: number;
}

/**
 * Why there is no (complete) reply.
 * - `unreachable`: the request never got to the server
 * - `interrupted`: the connection was lost in the middle of the reply
 * - `busy`: the server asked to come back later (loading, or the queue is full)
 * - `refused`: the server answered with an error; `detail` holds its words
 */
export interface Failure {
    readonly kind: 'unreachable' | 'interrupted' | 'busy' | 'refused';
    readonly detail?: string;
}

export interface UserMessage {
    readonly id: string;
    readonly role: 'user';
    readonly content: string;
}

export type ReplyStatus = 'waiting' | 'streaming' | 'done' | 'stopped' | 'failed';

export interface AssistantMessage {
    readonly id: string;
    readonly role: 'assistant';
    readonly content: string;
    readonly status: ReplyStatus;
    readonly finishReason?: string;
    readonly figures?: ReplyFigures;
    readonly failure?: Failure;
}

export type Message = UserMessage | AssistantMessage;

export function isRunning(message: Message | undefined): message is AssistantMessage {
    return message?.role === 'assistant' && (message.status === 'waiting' || message.status === 'streaming');
}
