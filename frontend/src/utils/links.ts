const protocols: readonly string[] = ['http:', 'https:', 'mailto:'];

/** The address of a link that may be followed; undefined for every other scheme, and for addresses within this page. */
export function safeAddress(address: string): string | undefined {
    try {
        const url = new URL(address.trim());
        return protocols.includes(url.protocol) ? url.href : undefined;
    } catch {
        return undefined;
    }
}
