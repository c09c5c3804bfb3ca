import type { Conversation } from '../types/conversation';

/** The part of the list a conversation stands in: pinned, one of a few spans of days, or a month as `2026-03`. */
export type DateGroup = 'pinned' | 'today' | 'yesterday' | 'week' | 'month' | `${number}-${number}`;

export interface ConversationGroup {
    readonly group: DateGroup;
    readonly items: readonly Conversation[];
}

function startOfDay(time: number, daysBefore = 0): number {
    const date = new Date(time);
    return new Date(date.getFullYear(), date.getMonth(), date.getDate() - daysBefore).getTime();
}

function groupOf({ pinned, updatedAt }: Conversation, now: number): DateGroup {
    if (pinned) return 'pinned';
    if (updatedAt >= startOfDay(now)) return 'today';
    if (updatedAt >= startOfDay(now, 1)) return 'yesterday';
    if (updatedAt >= startOfDay(now, 7)) return 'week';
    if (updatedAt >= startOfDay(now, 30)) return 'month';
    const date = new Date(updatedAt);
    return `${date.getFullYear()}-${date.getMonth() + 1}`;
}

/** Groups in order: pinned first, then from new to old. */
export function groupByDate(conversations: readonly Conversation[], now: number): readonly ConversationGroup[] {
    const sorted = [...conversations].sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.updatedAt - a.updatedAt);
    const groups = new Map<DateGroup, Conversation[]>();
    for (const conversation of sorted) {
        const group = groupOf(conversation, now);
        const items = groups.get(group);
        if (items) items.push(conversation);
        else groups.set(group, [conversation]);
    }
    return [...groups].map(([group, items]) => ({ group, items }));
}
