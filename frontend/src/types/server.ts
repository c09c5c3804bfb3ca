export type ServerState = 'connecting' | 'loading' | 'ready' | 'unreachable';

/** What the page knows about the daemon and its model. */
export interface ServerStatus {
    readonly state: ServerState;
    /** Name of the running model as `/api/models` gives it; absent until known. */
    readonly model?: string;
}
