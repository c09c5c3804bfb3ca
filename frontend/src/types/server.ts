/** `failed`: the daemon answers, but could not load its model. */
export type ServerState = 'connecting' | 'loading' | 'ready' | 'failed' | 'unreachable';

export interface QueueState {
    readonly running: number;
    readonly waiting: number;
    readonly capacity?: number | undefined;
}

export interface ModelDescription {
    readonly id: string;
    /** Tokens of prompt and reply together. */
    readonly contextLength?: number | undefined;
}

/** What the page knows about the daemon and its model. */
export interface ServerStatus {
    readonly state: ServerState;
    /** Name of the running model; absent until known. */
    readonly model?: string | undefined;
    /** The daemon's own words about its state, where it has any. */
    readonly detail?: string | undefined;
    readonly version?: string | undefined;
    readonly uptimeSeconds?: number | undefined;
    readonly queue?: QueueState | undefined;
}

export interface ServerKnowledge extends ServerStatus {
    readonly models: readonly ModelDescription[];
    /** A request was refused for want of a valid API key. */
    readonly needsKey: boolean;
    /** How the last reply came, or how the next one will. */
    readonly transport?: 'websocket' | 'events' | undefined;
}
