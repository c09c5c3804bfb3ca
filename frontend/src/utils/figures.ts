import type { ReplyFigures, TokenUsage } from '../types/chat';

/** Measures one reply: call `text()` for every piece that arrives, then `finish`. */
export class ReplyStopwatch {
    private readonly start = performance.now();
    private first: number | undefined;
    private last: number | undefined;

    text(): void {
        this.last = performance.now();
        this.first ??= this.last;
    }

    /** Nothing to say when no text arrived or the server gave no counts. */
    finish(usage: TokenUsage | undefined): ReplyFigures | undefined {
        if (usage === undefined || this.first === undefined || this.last === undefined) return undefined;
        const seconds = (this.last - this.first) / 1000;
        const figures = { ...usage, firstTokenSeconds: (this.first - this.start) / 1000 };
        if (usage.outputTokens < 3 || seconds <= 0) return figures;
        return { ...figures, tokensPerSecond: (usage.outputTokens - 1) / seconds };
    }
}

export function formatRate(rate: number): string {
    return rate >= 100 ? rate.toFixed(0) : rate.toFixed(1);
}

export function formatSeconds(seconds: number): string {
    if (seconds < 0.9995) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
    return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
}
