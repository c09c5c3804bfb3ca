/** `failed`: the daemon answers, but could not load its model. */
export type ServerState = 'connecting' | 'loading' | 'ready' | 'failed' | 'unreachable';

/** What the page knows about the daemon and its model. */
export interface ServerStatus {
    readonly state: ServerState;
    /** Name of the running model; absent until known. */
    readonly model?: string;
    /** The daemon's own words about its state, where it has any. */
    readonly detail?: string;
}
