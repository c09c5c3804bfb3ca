import { APIFailure } from './api';
import type { ConversationArchive } from './archive';
import { ConversationDatabase } from './database';
import { LocalArchive } from './localArchive';
import { ServerArchive } from './serverArchive';

/** Copies of the server's conversations. */
export const copies = new ConversationDatabase('copies');

const serverArchive = new ServerArchive(copies);
const localArchive = new LocalArchive(new ConversationDatabase('local'));

/**
 * The server's archive where the server keeps conversations, else this browser's.
 * @throws APIFailure when that can't be told now: the server is away, is starting, or wants a key.
 */
export async function findArchive(): Promise<ConversationArchive> {
    try {
        await serverArchive.list({});
        return serverArchive;
    } catch (error) {
        if (error instanceof APIFailure && keepsNone(error)) return localArchive;
        throw error;
    }
}

function keepsNone({ status, code }: APIFailure): boolean {
    return status === 404 || status === 405 || status === 501 || (status === 503 && code !== undefined && /session|storage/.test(code));
}
