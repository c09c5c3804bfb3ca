import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { serverStore } from '../store/serverStore';

/** Below the message box: which keys do what, or why nothing can be sent now. */
export function ComposerHint(): JSX.Element {
    const { t } = useTranslation();
    const state = useStore(serverStore, (status) => status.state);
    const waiting = {
        connecting: undefined,
        ready: undefined,
        loading: t('waitLoading'),
        failed: t('failedIntro'),
        unreachable: t('waitUnreachable'),
    }[state];
    return (
        <p id="composer-hint" className="mt-2 min-h-4 text-center text-xs text-muted" aria-live="polite">
            {waiting ?? <><span className="max-sm:hidden">{t('keysHint')}</span><span className="sm:hidden">{t('mistakes')}</span></>}
        </p>
    );
}
