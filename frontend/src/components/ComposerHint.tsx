import { useTranslation } from '../hooks/useTranslation';
import { useStore } from '../store/createStore';
import { openDialog } from '../store/interfaceStore';
import { serverStore } from '../store/serverStore';
import { useContextWarning } from './ContextGauge';

/** Below the message box: which keys do what, or why nothing can be sent now. */
export function ComposerHint(): JSX.Element {
    const { t } = useTranslation();
    const { state, needsKey } = useStore(serverStore, (status) => status);
    const warning = useContextWarning();
    const waiting = {
        connecting: undefined,
        ready: warning,
        loading: t('waitLoading'),
        failed: t('failedIntro'),
        unreachable: t('waitUnreachable'),
    }[state];
    return (
        <p id="composer-hint" className="composer-hint" aria-live="polite">
            {needsKey
                ? <>{t('keyNeeded')} <button type="button" className="link-button"
                    onClick={() => openDialog('settings')}>{t('enterKey')}</button></>
                : waiting ?? <><span className="max-sm:hidden">{t('keysHint')}</span><span className="sm:hidden">{t('mistakes')}</span></>}
        </p>
    );
}
