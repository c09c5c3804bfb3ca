import type { LiveReply, ReplyFigures, Timings, TokenUsage } from '../types/chat';

/** The figures of a finished reply: the server's where it gave any, else from the times at which its text arrived here. */
export function figuresOf(live: LiveReply, usage: TokenUsage | undefined, timings: Timings | undefined): ReplyFigures {
    const { startedAt, firstTextAt, lastTextAt } = live;
    const outputTokens = usage?.outputTokens ?? timings?.outputTokens;
    const seconds = firstTextAt === undefined || lastTextAt === undefined ? 0 : (lastTextAt - firstTextAt) / 1000;
    const measured = outputTokens !== undefined && outputTokens >= 3 && seconds > 0 ? (outputTokens - 1) / seconds : undefined;
    return {
        inputTokens: usage?.inputTokens ?? timings?.promptTokens,
        outputTokens,
        cachedTokens: timings?.cachedTokens,
        firstTokenSeconds: firstTextAt === undefined ? undefined : (firstTextAt - startedAt) / 1000,
        tokensPerSecond: timings?.outputPerSecond ?? measured,
        promptPerSecond: timings?.promptPerSecond,
    };
}

/** Tokens a second of a reply that is being written; undefined until there is enough to tell. */
export function liveRate({ pieces, firstTextAt, lastTextAt }: LiveReply): number | undefined {
    if (firstTextAt === undefined || lastTextAt === undefined || pieces < 8) return undefined;
    const seconds = (lastTextAt - firstTextAt) / 1000;
    return seconds < 0.25 ? undefined : (pieces - 1) / seconds;
}

export function formatRate(rate: number): string {
    return rate >= 100 ? formatCount(rate) : rate.toFixed(1);
}

export function formatSeconds(seconds: number): string {
    if (seconds < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
    return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}

export function formatCount(count: number): string {
    return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, '\u202F');
}
