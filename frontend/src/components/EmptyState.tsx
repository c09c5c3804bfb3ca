import { useTranslation, type Translate } from '../hooks/useTranslation';
import { sendMessage } from '../store/actions';
import { useStore } from '../store/createStore';
import { canAsk, contextLengthOf, serverStore } from '../store/serverStore';
import type { ServerKnowledge } from '../types/server';
import { formatCount } from '../utils/figures';
import { examplePrompts } from '../utils/texts';
import { StarIcon } from './icons';

/** The first thing a newcomer sees: which model runs here, and four things to try. */
export function EmptyState(): JSX.Element {
    const { t, language } = useTranslation();
    const server = useStore(serverStore, (state) => state);
    const context = server.state === 'ready' ? contextLengthOf(server, null) : undefined;
    return (
        <section className="empty-state" aria-labelledby="greeting">
            <StarIcon size={44} />
            <h2 id="greeting">{t('greeting')}</h2>
            <p className="intro" data-testid="intro">
                {intro(server, t)}
                {context !== undefined && <span className="context-note">{t('contextNote',
                    { count: formatCount(context) })}</span>}
            </p>
            <ul className="examples" aria-label={t('examples')}>
                {examplePrompts[language].map(({ title, prompt }) => (
                    <li key={title} className="flex">
                        <button type="button" className="example" disabled={!canAsk(server.state)} onClick={() => sendMessage(prompt)}>
                            <span className="font-semibold">{title}</span>
                            <span className="mt-1 text-sm leading-snug text-muted">{prompt}</span>
                        </button>
                    </li>
                ))}
            </ul>
        </section>
    );
}

function intro({ state, model, detail }: ServerKnowledge, t: Translate): string {
    switch (state) {
        case 'ready': return model === undefined ? t('stateReady') : t('runningModel', { model });
        case 'loading': return t('loadingIntro');
        case 'failed': return detail ?? t('failedIntro');
        case 'unreachable': return t('unreachableIntro');
        case 'connecting': return t('connectingIntro');
    }
}
