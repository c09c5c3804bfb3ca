import type { Message } from '../types/chat';

/** The messages of a conversation by id and by parent. */
export interface MessageTree {
    readonly byId: ReadonlyMap<string, Message>;
    /** Children in order of creation; roots are those of `null`. A message whose parent is missing counts as a root. */
    readonly children: ReadonlyMap<string | null, readonly Message[]>;
}

const known = new WeakMap<readonly Message[], MessageTree>();

export function treeOf(messages: readonly Message[]): MessageTree {
    const found = known.get(messages);
    if (found) return found;
    const byId = new Map(messages.map((message) => [message.id, message]));
    const children = new Map<string | null, Message[]>();
    for (const message of messages) {
        const parent = parentOf(message, byId);
        const siblings = children.get(parent);
        if (siblings) siblings.push(message);
        else children.set(parent, [message]);
    }
    const tree = { byId, children };
    known.set(messages, tree);
    return tree;
}

function parentOf(message: Message, byId: ReadonlyMap<string, Message>): string | null {
    return message.parentId !== null && message.parentId !== message.id && byId.has(message.parentId) ? message.parentId : null;
}

/** The messages from a root to `leaf`; for an unknown leaf, to the latest message of all. Ends also where parents form a circle. */
export function pathTo(messages: readonly Message[], leaf: string | null): readonly Message[] {
    const { byId } = treeOf(messages);
    const path: Message[] = [];
    const seen = new Set<string>();
    let message = (leaf === null ? undefined : byId.get(leaf)) ?? messages[messages.length - 1];
    while (message && !seen.has(message.id)) {
        seen.add(message.id);
        path.push(message);
        message = message.parentId === null ? undefined : byId.get(message.parentId);
    }
    return path.reverse();
}

export function siblingsOf(messages: readonly Message[], message: Message): readonly Message[] {
    const { byId, children } = treeOf(messages);
    return children.get(parentOf(message, byId)) ?? [message];
}

/** The end of the newest branch below `id`. */
export function latestLeaf(messages: readonly Message[], id: string): string {
    const { children } = treeOf(messages);
    const seen = new Set<string>();
    let leaf = id;
    while (!seen.has(leaf)) {
        seen.add(leaf);
        const below = children.get(leaf);
        leaf = below?.[below.length - 1]?.id ?? leaf;
    }
    return leaf;
}

/** `messages` without `id` and everything that follows from it. */
export function withoutBranch(messages: readonly Message[], id: string): readonly Message[] {
    const { children } = treeOf(messages);
    const removed = new Set<string>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
        if (removed.has(next)) continue;
        removed.add(next);
        for (const child of children.get(next) ?? []) open.push(child.id);
    }
    return messages.filter((message) => !removed.has(message.id));
}

/** The message that is current once `id` and what follows it are gone: its nearest other variant, else its parent. */
export function currentAfterRemoval(messages: readonly Message[], id: string): string | null {
    const message = treeOf(messages).byId.get(id);
    if (!message) return null;
    const siblings = siblingsOf(messages, message);
    const index = siblings.findIndex((sibling) => sibling.id === id);
    const other = siblings[index + 1] ?? siblings[index - 1];
    return other ? latestLeaf(messages, other.id) : message.parentId;
}
