import { Component, type ReactNode } from 'react';
import { fill, messages } from '../utils/messages';
import { storedLanguage } from '../utils/preferences';

interface Props {
    readonly children: ReactNode;
}

/** The last resort: a mistake in our own code leaves a readable page, and the draft and conversation are still stored. */
export class ErrorBoundary extends Component<Props, { readonly broken: boolean }> {
    override state = { broken: false };

    static getDerivedStateFromError(): { broken: boolean } {
        return { broken: true };
    }

    override render(): ReactNode {
        if (!this.state.broken) return this.props.children;
        const texts = messages[storedLanguage()];
        return (
            <div role="alert" className="m-auto p-8 text-center">
                <p>{fill(texts.pageBroken)}</p>
                <button type="button" className="retry-button mx-auto mt-4" onClick={() => window.location.reload()}>{texts.reload}</button>
            </div>
        );
    }
}
