const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A new identifier of about 103 random bits, in the form that the server takes (`crypto.randomUUID` is missing on plain http). */
export function newIdentifier(): string {
    const bytes = window.crypto.getRandomValues(new Uint8Array(20));
    return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join('');
}

export function isIdentifier(text: string): boolean {
    return /^[A-Za-z0-9_-]{1,64}$/.test(text);
}
