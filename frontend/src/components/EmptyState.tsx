import { useTranslation, type Translate } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { sendMessage } from '../store/chatStore';
import { canAsk, serverStore } from '../store/serverStore';
import type { ServerStatus } from '../types/server';
import { examplePrompts } from '../utils/messages';
import { StarIcon } from './icons';

/** The first thing a newcomer sees: which model runs here, and four things to try. */
export function EmptyState(): JSX.Element {
    const { t, language } = useTranslation();
    const status = useStore(serverStore, (state) => state);
    return (
        <section className="m-auto flex w-full max-w-2xl flex-col items-center py-8 text-center" aria-label={t('greeting')}>
            <StarIcon size={48} />
            <h2 className="mt-5 text-[26px] font-semibold tracking-tight sm:text-3xl">{t('greeting')}</h2>
            <p className="mt-2.5 max-w-full text-[15px] break-words text-muted" data-testid="intro">{intro(status, t)}</p>
            <ul className="mt-8 grid w-full gap-3 text-left sm:mt-10 sm:grid-cols-2" aria-label={t('examples')}>
                {examplePrompts[language].map(({ title, prompt }) => (
                    <li key={title} className="flex">
                        <button type="button" className="example" disabled={!canAsk(status.state)} onClick={() => sendMessage(prompt)}>
                            <span className="text-[15px] font-semibold">{title}</span>
                            <span className="mt-1 text-sm leading-snug text-muted">{prompt}</span>
                        </button>
                    </li>
                ))}
            </ul>
        </section>
    );
}

function intro({ state, model, detail }: ServerStatus, t: Translate): string {
    switch (state) {
        case 'ready': return model === undefined ? t('stateReady') : t('runningModel', { model });
        case 'loading': return t('loadingIntro');
        case 'failed': return detail ?? t('failedIntro');
        case 'unreachable': return t('unreachableIntro');
        case 'connecting': return t('connectingIntro');
    }
}
