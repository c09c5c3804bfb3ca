import { useTranslation } from '../hooks/useTranslation';
import { chooseVariant } from '../store/actions';
import { ChevronLeftIcon, ChevronRightIcon } from './icons';
import { IconButton } from './IconButton';

interface VariantSwitchProps {
    readonly id: string;
    readonly variant: number;
    readonly variants: number;
}

/** ‹ 2/3 ›: walks through the variants that editing and asking again have made of a message. */
export function VariantSwitch({ id, variant, variants }: VariantSwitchProps): JSX.Element | null {
    const { t } = useTranslation();
    if (variants < 2) return null;
    return (
        <div className="variants" role="group" aria-label={t('variant', { index: String(variant + 1), count: String(variants) })}>
            <IconButton className="icon-button small" label={t('previousVariant')} data-action="previous" disabled={variant === 0}
                onClick={() => chooseVariant(id, -1)}>
                <ChevronLeftIcon size={16} />
            </IconButton>
            <span aria-hidden="true">{variant + 1}/{variants}</span>
            <IconButton className="icon-button small" label={t('nextVariant')} data-action="next" disabled={variant + 1 === variants}
                onClick={() => chooseVariant(id, 1)}>
                <ChevronRightIcon size={16} />
            </IconButton>
        </div>
    );
}
