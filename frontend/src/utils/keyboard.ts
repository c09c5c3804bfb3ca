import type { KeyboardEvent } from 'react';

/** Enter also confirms a candidate of an input method; 229 is what browsers send that miss `isComposing` (WebKit). */
export function isComposing(event: KeyboardEvent): boolean {
    return event.nativeEvent.isComposing || event.keyCode === 229;
}
