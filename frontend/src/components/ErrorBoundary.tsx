import { Component, type ReactNode } from 'react';
import { storedLanguage } from '../utils/preferences';
import { texts } from '../utils/texts';

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
        const { pageBroken, reload } = texts[storedLanguage()];
        return (
            <div role="alert" className="m-auto p-8 text-center">
                <p>{pageBroken}</p>
                <button type="button" className="retry-button mx-auto mt-4" onClick={() => window.location.reload()}>{reload}</button>
            </div>
        );
    }
}
