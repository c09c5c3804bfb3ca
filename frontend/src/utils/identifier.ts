let counter = 0;

/** An identifier that is unique in this page and unlikely to repeat elsewhere (`crypto.randomUUID` is missing on plain http). */
export function newIdentifier(prefix: string): string {
    counter += 1;
    return `${prefix}-${Date.now().toString(36)}-${counter.toString(36)}`;
}
