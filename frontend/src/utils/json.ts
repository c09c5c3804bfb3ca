/** Access to JSON of unknown shape: whatever is missing or of another type is `undefined`. */
export type JSONObject = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): JSONObject | undefined {
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JSONObject) : undefined;
}

export function asArray(value: unknown): readonly unknown[] {
    return Array.isArray(value) ? value : [];
}

export function asString(value: unknown): string | undefined {
    return typeof value === 'string' ? value : undefined;
}

export function asNumber(value: unknown): number | undefined {
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function first(value: unknown): unknown {
    return Array.isArray(value) ? value[0] : undefined;
}

export function parseJSON(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

export function parseObject(text: string): JSONObject | undefined {
    return asObject(parseJSON(text));
}
